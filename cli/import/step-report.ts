import { counted, duration, whole } from '../units.ts';

/** How often a step that takes long is reported (ms). */
const LINE_MS = 5000;

/** Steps of an import over many inputs: how many are done, and what is left, on a line every few seconds. */
export class StepReport {
  readonly #note: (text: string) => void;
  readonly #lineMs: number;
  /** Throws if the import is to end. */
  readonly stopIf: () => void;

  /**
   * @param stopIf called after each input; throws if the import is to end
   * @param lineMs least time from one line to the next
   */
  constructor(note: (text: string) => void, stopIf: () => void, lineMs = LINE_MS) {
    this.#note = note;
    this.stopIf = stopIf;
    this.#lineMs = lineMs;
  }

  /** Says what begins, and gives what is to be called after each of its `count` inputs. */
  begin(name: string, count: number): () => void {
    const start = performance.now();
    let told = start;
    let done = 0;
    this.#note(`${name} on ${counted(count, 'input')}`);
    return () => {
      done++;
      this.stopIf();
      const now = performance.now();
      if (done === count || now - told < this.#lineMs) return;
      told = now;
      const left = ((now - start) / done) * (count - done);
      this.#note(`${name}: ${whole(done)} of ${counted(count, 'input')}, about ${duration(left)} left`);
    };
  }
}
