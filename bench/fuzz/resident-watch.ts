/** Resident memory of this process: when the watch began, now and at most, and what it may be (bytes). */
export interface Resident {
  readonly start: number;
  readonly end: number;
  readonly peak: number;
  readonly bound: number;
}

/** Time between two looks (ms). */
const SAMPLE_MS = 50;

/** Watches resident memory from the first `look` on: what is there then has filled the caches. */
export class ResidentWatch {
  readonly #room: number;
  readonly #passed: (what: string) => void;
  #resident: Resident = { start: 0, end: 0, peak: 0, bound: 0 };

  /**
   * @param room bytes that it may grow by
   * @param passed told once, when it has grown by more
   */
  constructor(room: number, passed: (what: string) => void) {
    this.#room = room;
    this.#passed = passed;
  }

  get resident(): Resident {
    return this.#resident;
  }

  /** Looks again and again until the returned function is called. */
  begin(): () => void {
    const timer = setInterval(() => this.#sample(), SAMPLE_MS);
    return () => clearInterval(timer);
  }

  /** Now that nothing is on the way. */
  look(): void {
    const end = process.memoryUsage.rss();
    const { start } = this.#resident;
    this.#resident =
      start === 0 ? { start: end, end, peak: end, bound: end + this.#room } : { ...this.#resident, end };
  }

  #sample(): void {
    const { start, peak: before, bound } = this.#resident;
    if (start === 0) return;
    const peak = Math.max(before, process.memoryUsage.rss());
    if (peak > bound && before <= bound)
      this.#passed(`resident memory of ${peak} bytes, and its bound is ${bound}`);
    this.#resident = { ...this.#resident, peak };
  }
}
