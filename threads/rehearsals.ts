import { nextTurn } from '#platform/next-turn';
import { delay } from '../platform/delay.ts';
import type { Pause } from './rehearse-inference.ts';

/** How often a thread rehearses an inference: V8 has optimised what it runs by then. */
const REHEARSALS = 8;

/** Pause between two of them (ms): they take a fraction of a processor, and nobody waits for them. */
const PAUSE_MS = 50;

/** Rehearses in the background of a thread, until there is real work. */
export class Rehearsals {
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** Rehearses `times`, one after the other, behind what was begun before. Never throws: real work shows faults. */
  begin(rehearse: (pause: Pause) => Promise<void>, times = REHEARSALS): void {
    this.#running = this.#running.then(() => this.#run(rehearse, times)).catch(() => {});
  }

  /** Real work has come: nothing more is rehearsed in this thread. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when nothing is rehearsed any more. */
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
