/** Weight of the newest value: about the last ten values matter. */
const WEIGHT = 0.2;

/** An average in which older values fade. */
export class MovingAverage {
  #value: number | undefined;

  /** Undefined before the first value. */
  get value(): number | undefined {
    return this.#value;
  }

  add(value: number): void {
    this.#value = this.#value === undefined ? value : this.#value + WEIGHT * (value - this.#value);
  }
}
