/** The panel with the bundles: how many are ready, prepare more, clear all. */
import type { BrowserClient, ModelCard, ModelSummary, PrepareProgress } from '../browser/index.ts';
import { announce, element, show, write } from './elements.ts';
import { bytes, duration, pictures } from './quantities.ts';
import { timeLeft } from './time-left.ts';

/** Notifies other tabs of this page when bundles change. */
const tabs = new BroadcastChannel('sphynx-bundles');

/** The bundles that the panel shows. */
let shown: Bundles | undefined;

interface Running {
  readonly stop: AbortController;
  /** Settles when the next bundle is ready. */
  next: PromiseWithResolvers<void>;
}

/** The bundles of one model in this browser. */
export class Bundles {
  readonly #client: BrowserClient;
  readonly #card: ModelCard;
  #running: Running | undefined;

  constructor(client: BrowserClient, card: ModelCard, { quote }: ModelSummary) {
    this.#client = client;
    this.#card = card;
    shown = this;
    tabs.onmessage = () => this.#count().catch(() => {});
    showPreparing(false);
    write('bundle-bytes', bytes(quote.offlineBytes));
  }

  get preparing(): boolean {
    return this.#running !== undefined;
  }

  /** Counts the bundles again, here and in other tabs. */
  async refresh(): Promise<void> {
    tabs.postMessage('changed');
    await this.#count();
  }

  /** Prepares `count` more bundles. Throws what the client throws, also when `stop` is called. */
  async prepare(count: number): Promise<void> {
    const running = { stop: new AbortController(), next: expectBundle() };
    this.#running = running;
    showPreparing(true);
    const start = performance.now();
    let ready = 0;
    showProgress(undefined, start);
    try {
      await this.#client.prepare({
        model: this.#card.name,
        count,
        signal: running.stop.signal,
        onProgress: (progress) => {
          showProgress(progress, start);
          if (progress.ready === ready) return;
          ready = progress.ready;
          running.next.resolve();
          running.next = expectBundle();
          this.refresh().catch(() => {});
        },
      });
      running.next.resolve();
      announce(`Prepared ${pictures(count)}`);
    } catch (error) {
      running.next.reject(error);
      throw error;
    } finally {
      this.#running = undefined;
      if (shown === this) showPreparing(false);
      await this.refresh().catch(() => {});
    }
  }

  /** Resolves when one more bundle is ready, from a running preparation or a new one. */
  next(): Promise<void> {
    return this.#running ? this.#running.next.promise : this.prepare(1);
  }

  /** Stops the running preparation; ready bundles stay. */
  stop(): void {
    this.#running?.stop.abort();
  }

  /** Erases all bundles, including those of the server's other models. */
  async clear(): Promise<void> {
    const erased = await this.#client.clear();
    announce(`Cleared what was prepared for ${pictures(erased)}`);
    await this.refresh();
  }

  async #count(): Promise<void> {
    const ready = await this.#client.bundles();
    const aside = await this.#client.setAsideBundles();
    if (shown !== this) return;
    const own = ready.filter(({ modelHash }) => modelHash === this.#card.hash);
    write('bundles-ready', own.length === 0 ? 'nothing yet' : pictures(own.length));
    element<HTMLButtonElement>('clear').disabled = ready.length + aside.length === 0;
  }
}

function showPreparing(running: boolean): void {
  write('prepare-toggle', running ? 'Stop' : 'Prepare');
  show('preparing', running);
}

/** Returns a promise that may reject without a handler. */
function expectBundle(): PromiseWithResolvers<void> {
  const next = Promise.withResolvers<void>();
  next.promise.catch(() => {});
  return next;
}

/** Shows the progress of a preparation that began at `start`. */
function showProgress(progress: PrepareProgress | undefined, start: number): void {
  for (const bar of document.querySelectorAll<HTMLProgressElement>('progress[data-preparation]')) {
    bar.max = progress?.totalBytes ?? 1;
    bar.value = progress?.bytes ?? 0;
  }
  const text = progress ? describe(progress, performance.now() - start) : 'Waiting for the server …';
  for (const place of document.querySelectorAll('[data-preparation-text]')) place.textContent = text;
}

/** `ms`: time since the beginning. */
function describe({ bytes: done, totalBytes, ready, count }: PrepareProgress, ms: number): string {
  const left = timeLeft(ms, done, totalBytes);
  const parts = [
    `${bytes(done)} of ${bytes(totalBytes)}`,
    ...(count > 1 ? [`${ready} of ${count} ready`] : []),
    ...(left === undefined ? [] : [`${duration(Math.max(1000, left))} left`]),
  ];
  return parts.join(', ');
}
