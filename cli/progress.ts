import { SingleBar } from 'cli-progress';
import type { PrepareProgress } from '../client/index.ts';
import type { Output } from './output.ts';
import { bytes, counted, duration } from './units.ts';

/** Steps in which a preparation is reported where no bar can be drawn. */
const PLAIN_STEPS = 4;

/** Follows a preparation: a bar with bytes and time left on a terminal, plain lines elsewhere. Always on stderr. */
export class PrepareReport {
  readonly #output: Output;
  readonly #start = performance.now();
  readonly #bar: SingleBar | undefined;
  #step = 0;
  #started = false;

  constructor(output: Output) {
    this.#output = output;
    if (process.stderr.isTTY)
      this.#bar = new SingleBar({
        stream: process.stderr,
        format: 'preparing {bar} {percentage}% | {moved} of {whole} | bundle {bundle} | {left} left',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
        fps: 10,
      });
  }

  /** For `onProgress`. */
  readonly update = (progress: PrepareProgress): void => {
    if (this.#bar) this.#draw(this.#bar, progress);
    else this.#write(progress);
  };

  /** Takes the bar away, also after a failure. */
  stop(): void {
    this.#bar?.stop();
  }

  #draw(bar: SingleBar, { ready, count, bytes: moved, totalBytes }: PrepareProgress): void {
    const fields = {
      moved: bytes(moved),
      whole: bytes(totalBytes),
      bundle: `${Math.min(ready + 1, count)}/${count}`,
      left: this.#left(moved, totalBytes),
    };
    if (!this.#started) bar.start(totalBytes, moved, fields);
    else bar.update(moved, fields);
    this.#started = true;
  }

  #write({ ready, count, bytes: moved, totalBytes }: PrepareProgress): void {
    // The last step is the commit, not the last byte.
    const step =
      ready === count
        ? PLAIN_STEPS
        : Math.min(PLAIN_STEPS - 1, Math.floor((PLAIN_STEPS * moved) / totalBytes));
    if (step <= this.#step) return;
    this.#step = step;
    this.#output.note(
      `preparing: ${bytes(moved)} of ${bytes(totalBytes)}, ${ready} of ${counted(count, 'bundle')} ready, ${this.#left(moved, totalBytes)} left`,
    );
  }

  #left(moved: number, totalBytes: number): string {
    const elapsed = performance.now() - this.#start;
    return moved === 0 ? '?' : duration(((totalBytes - moved) / moved) * elapsed);
  }
}
