import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { CallOptions, ClientWorker } from './client-worker.ts';

/** One of the client's workers, which is started when needed, and again after it had to be terminated. */
export class WorkerSlot {
  readonly #open: () => Promise<ClientWorker>;
  readonly #cardMs: number;
  #worker: Promise<ClientWorker> | undefined;
  #closed = false;

  /** @param cardMs longest time for a model's card, and for the plan that follows from it (ms) */
  constructor(open: () => Promise<ClientWorker>, cardMs: number, worker?: ClientWorker) {
    this.#open = open;
    this.#cardMs = cardMs;
    this.#worker = worker && Promise.resolve(worker);
  }

  async worker(): Promise<ClientWorker> {
    if (this.#closed) throw new SphynxError('aborted', 'the client was closed');
    this.#worker ??= this.#open();
    try {
      return await this.#worker;
    } catch (error) {
      this.#worker = undefined;
      throw error;
    }
  }

  /**
   * Returns the card of a model, whose plan the worker then knows. A hostile card can make the derivation take hours,
   * during which the worker cannot respond; it is then terminated. Throws 'model/unsupported'.
   */
  async modelCard(model: string | undefined, options?: CallOptions): Promise<ModelCard> {
    const worker = await this.worker();
    const timer = setTimeout(() => {
      this.#worker = undefined;
      worker.close(
        new SphynxError(
          'model/unsupported',
          `the server's model ${model ?? ''} is too complex: its plan takes more time than this page gives it`,
        ),
      );
    }, this.#cardMs);
    try {
      return await worker.ask('modelCard', { model }, options?.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    this.#worker?.then(
      (worker) => worker.close(),
      () => {},
    );
  }
}
