/** Tells the preparing threads how many inferences are running, by one number in shared memory. */

/** `new OnlineFlag()` on the main thread; its `shared` goes to the workers, for `new OnlineFlag(shared)`. */
export class OnlineFlag {
  readonly shared: SharedArrayBuffer;
  readonly #count: Int32Array;

  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#count = new Int32Array(shared);
  }

  /** Inferences that are running. */
  get running(): number {
    return Atomics.load(this.#count, 0);
  }

  /** Counts one inference as running until the returned function is called, once. */
  enter(): () => void {
    Atomics.add(this.#count, 0, 1);
    return () => {
      Atomics.sub(this.#count, 0, 1);
      Atomics.notify(this.#count, 0);
    };
  }

  /** Resolves when at most `most` inferences are running, or after `ms`. */
  async quiet(most: number, ms: number): Promise<void> {
    const end = performance.now() + ms;
    for (let seen = this.running; seen > most; seen = this.running) {
      const left = end - performance.now();
      if (left <= 0) return;
      await Atomics.waitAsync(this.#count, 0, seen, left).value;
    }
  }
}
