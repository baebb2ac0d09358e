import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Resident memory (bytes): at the first and the last check, the peak in between, and the bound for a check. */
export interface Resident {
  readonly start: number;
  readonly end: number;
  readonly peak: number;
  readonly bound: number;
}

/** Time between two samples of the peak (ms). */
const SAMPLE_MS = 50;

/**
 * Watches the memory of this process. A check collects garbage first. The peak means little, because V8 collects less
 * often as the heap grows.
 */
export class ResidentWatch {
  readonly #room: number;
  readonly #passed: (what: string) => void;
  readonly #collect: () => void;
  #resident: Resident = { start: 0, end: 0, peak: 0, bound: 0 };

  /**
   * @param room bytes by which later checks may exceed the first one, at which caches are full
   * @param passed called once, when a check exceeds the bound
   */
  constructor(room: number, passed: (what: string) => void) {
    this.#room = room;
    this.#passed = passed;
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc');
  }

  get resident(): Resident {
    return this.#resident;
  }

  /** Samples the peak until the returned function is called. */
  begin(): () => void {
    const timer = setInterval(() => this.#sample(), SAMPLE_MS);
    return () => clearInterval(timer);
  }

  /** Checks the memory; call it when nothing is in flight. */
  look(): void {
    this.#collect();
    const { start, end: before, peak, bound } = this.#resident;
    const end = process.memoryUsage.rss();
    if (start === 0) {
      this.#resident = { start: end, end, peak: end, bound: end + this.#room };
      return;
    }
    if (end > bound && before <= bound)
      this.#passed(`resident memory of ${end} bytes, and its bound is ${bound}`);
    this.#resident = { start, end, peak: Math.max(peak, end), bound };
  }

  #sample(): void {
    if (this.#resident.start === 0) return;
    this.#resident = {
      ...this.#resident,
      peak: Math.max(this.#resident.peak, process.memoryUsage.rss()),
    };
  }
}
