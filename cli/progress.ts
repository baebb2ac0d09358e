import { SingleBar } from 'cli-progress';
import type { PrepareProgress } from '../client/index.ts';
import type { Output } from './output.ts';
import { bytes, counted, duration } from './units.ts';

/** How often a preparation is reported if no bar can be drawn (ms). */
const LINE_MS = 3000;

/** Share of the bytes before which the time left is not estimated: opening a session moves few bytes and takes long. */
const ESTIMATE_FROM = 0.02;

/**
 * Shows the progress of a preparation on stderr: a bar with bytes and time left on a terminal, plain lines elsewhere.
 */
export class PrepareReport {
  readonly #output: Output;
  readonly #start = performance.now();
  readonly #bar: SingleBar | undefined;
  #latest: PrepareProgress | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  /** Whether the last line was written. */
  #told = false;
  #started = false;

  constructor(output: Output) {
    this.#output = output;
    if (!process.stderr.isTTY) this.#timer = setInterval(() => this.#write(), LINE_MS);
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

  /** Listener for `onProgress`. */
  readonly update = (progress: PrepareProgress): void => {
    if (this.#bar) this.#draw(this.#bar, progress);
    else {
      this.#latest = progress;
      if (progress.ready === progress.count && !this.#told) this.#write();
      this.#told = progress.ready === progress.count;
    }
  };

  /** Removes the bar, also after a failure. */
  stop(): void {
    clearInterval(this.#timer);
    this.#bar?.stop();
  }

  #draw(bar: SingleBar, { ready, count, bytes: moved, totalBytes }: PrepareProgress): void {
    const fields = {
      moved: bytes(moved),
      whole: bytes(totalBytes),
      bundle: `${Math.min(ready + 1, count)}/${count}`,
      left: this.#left(moved, totalBytes) ?? '?',
    };
    if (!this.#started) bar.start(totalBytes, moved, fields);
    else bar.update(moved, fields);
    this.#started = true;
  }

  /** Prints the latest state once. */
  #write(): void {
    if (!this.#latest) return;
    const { ready, count, bytes: moved, totalBytes } = this.#latest;
    this.#latest = undefined;
    const left = this.#left(moved, totalBytes);
    this.#output.note(
      `preparing: ${bytes(moved)} of ${bytes(totalBytes)}, ${ready} of ${counted(count, 'bundle')} ready${left ? `, ${left} left` : ''}`,
    );
  }

  /** Returns the time left in words; undefined before it can be estimated, and at the end. */
  #left(moved: number, totalBytes: number): string | undefined {
    if (moved < ESTIMATE_FROM * totalBytes || moved >= totalBytes) return undefined;
    return duration(((totalBytes - moved) / moved) * (performance.now() - this.#start));
  }
}
