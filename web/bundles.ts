/** The panel with the bundles: how many are ready, prepare more, clear all. */
import type { BrowserClient, PrepareProgress } from '../browser/index.ts';
import { announce, element, show, write } from './elements.ts';
import { bytes, duration, pictures } from './quantities.ts';
import { timeLeft } from './time-left.ts';

/** Other tabs of this page hear when bundles come and go. */
const tabs = new BroadcastChannel('sphynx-bundles');

/** The bundles of one model in this browser. */
export class Bundles {
  readonly #client: BrowserClient;
  readonly #model: string;
  #running: { stop: AbortController; next: PromiseWithResolvers<void> } | undefined;

  constructor(client: BrowserClient, model: string) {
    this.#client = client;
    this.#model = model;
    tabs.onmessage = () => this.#count();
  }

  /** Counts the bundles anew, here and in other tabs. */
  async refresh(): Promise<void> {
    tabs.postMessage('changed');
    await this.#count();
  }

  /** Prepares `count` more. Throws what the client throws, also when `stop` is called. */
  async prepare(count: number): Promise<void> {
    const running = { stop: new AbortController(), next: Promise.withResolvers<void>() };
    running.next.promise.catch(() => {}); // whoever waits hears of it
    this.#running = running;
    const start = performance.now();
    let ready = 0;
    this.#showProgress(undefined, start);
    try {
      await this.#client.prepare({
        model: this.#model,
        count,
        signal: running.stop.signal,
        onProgress: (progress) => {
          this.#showProgress(progress, start);
          if (progress.ready === ready) return;
          ready = progress.ready;
          running.next.resolve();
          running.next = Promise.withResolvers();
          running.next.promise.catch(() => {});
          this.refresh();
        },
      });
      running.next.resolve();
      announce(`Prepared for ${pictures(count)}`);
    } catch (error) {
      running.next.reject(error);
      throw error;
    } finally {
      this.#running = undefined;
      show('preparing', false);
      show('prepare-stop', false);
      show('prepare-start');
      await this.refresh().catch(() => {});
    }
  }

  /** Resolves when one more bundle is ready, of a preparation that runs, or else of one for this. */
  next(): Promise<void> {
    return this.#running ? this.#running.next.promise : this.prepare(1);
  }

  /** Ends the preparation that runs; what it has made ready stays. */
  stop(): void {
    this.#running?.stop.abort();
  }

  /** Erases all bundles, of the server's other models too. */
  async clear(): Promise<void> {
    const erased = await this.#client.clear();
    announce(`Erased bundles for ${pictures(erased)}`);
    await this.refresh();
  }

  async #count(): Promise<void> {
    const bundles = await this.#client.bundles({ model: this.#model });
    write('bundles-ready', pictures(bundles.length));
    element<HTMLButtonElement>('clear').disabled = bundles.length === 0;
    const [first] = bundles;
    write('bundle-size', first ? ` (${bytes(first.offline.up + first.offline.down)})` : '');
  }

  #showProgress(progress: PrepareProgress | undefined, start: number): void {
    for (const bar of document.querySelectorAll<HTMLProgressElement>('[data-preparation]'))
      if (progress) {
        bar.max = progress.totalBytes;
        bar.value = progress.bytes;
      } else bar.removeAttribute('value');
    const text = progress ? describe(progress, performance.now() - start) : 'Waiting for the server …';
    for (const place of document.querySelectorAll('[data-preparation-text]')) place.textContent = text;
    show('preparing');
    show('prepare-stop');
    show('prepare-start', false);
  }
}

/** `ms`: since the beginning. */
function describe({ bytes: done, totalBytes, ready, count }: PrepareProgress, ms: number): string {
  const left = timeLeft(ms, done, totalBytes);
  const parts = [
    `${bytes(done)} of ${bytes(totalBytes)}`,
    ...(count > 1 ? [`${ready} of ${count} ready`] : []),
    ...(left === undefined ? [] : [`${duration(Math.max(1000, left))} left`]),
  ];
  return parts.join(', ');
}
