import { counted, duration, whole } from './units.ts';

/** How often a long step is reported (ms). */
const LINE_MS = 5000;

/** Reports steps over many inputs: every few seconds a line with the number of finished inputs and the time left. */
export class StepReport {
  readonly #note: (text: string) => void;
  readonly #lineMs: number;
  /** Throws if the command was interrupted. */
  readonly stopIf: () => void;

  /**
   * @param stopIf called after each input; throws if the command was interrupted
   * @param lineMs shortest time between two lines
   */
  constructor(note: (text: string) => void, stopIf: () => void, lineMs = LINE_MS) {
    this.#note = note;
    this.stopIf = stopIf;
    this.#lineMs = lineMs;
  }

  /** Begins a step and returns a function to call after each of its `count` inputs. */
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
