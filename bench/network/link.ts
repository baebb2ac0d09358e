/**
 * One direction of a network: bytes leave one after another at a rate and arrive after a delay. Bytes that cannot be
 * sent yet wait in a queue, as in a router with unlimited buffers.
 */
export class Link {
  readonly #msPerByte: number;
  readonly #delayMs: number;
  #free = Number.NEGATIVE_INFINITY;

  /** `rate`: bits per second; `delayMs`: one way. */
  constructor(rate: number, delayMs: number) {
    this.#msPerByte = 8000 / rate;
    this.#delayMs = delayMs;
  }

  /**
   * Returns when `bytes` that are sent at `now` have arrived (ms on the same clock). Calls come in the order of `now`.
   */
  send(bytes: number, now: number): number {
    this.#free = Math.max(this.#free, now) + bytes * this.#msPerByte;
    return this.#free + this.#delayMs;
  }
}
