import { nextTurn } from '#platform/next-turn';
import { delay } from '../platform/delay.ts';
import type { Pause } from './rehearse-inference.ts';

/** Number of rehearsals of a thread, after which V8 has optimised the code. */
const REHEARSALS = 8;

/** Pause between two rehearsals (ms), so that they take only a fraction of a processor. */
const PAUSE_MS = 50;

/** Runs rehearsals in the background of a thread, until there is real work. */
export class Rehearsals {
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** Queues `times` rehearsals after earlier ones. Never throws, because real work will report faults. */
  begin(rehearse: (pause: Pause) => Promise<void>, times = REHEARSALS): void {
    this.#running = this.#running.then(() => this.#run(rehearse, times)).catch(() => {});
  }

  /** Ends rehearsals in this thread, because real work has arrived. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when no rehearsal is running. */
  get over(): Promise<void> {
    return this.#running;
  }

  async #run(rehearse: (pause: Pause) => Promise<void>, times: number): Promise<void> {
    for (let i = 0; i < times && !this.#stopped; i++) {
      await rehearse(async () => {
        await nextTurn();
        if (this.#stopped) throw new Error('real work has come');
      });
      await delay(PAUSE_MS);
    }
  }
}
