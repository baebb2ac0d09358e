import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { PortChannel } from '../transport/port-channel.ts';
import { RESPAWN_MS, type ServerLimits } from './limits.ts';
import { PoolWorker } from './pool-worker.ts';
import type { WorkerInput } from './worker-messages.ts';

/** Runs the server's roles in worker threads: some prepare, others infer, so that neither waits for the other. */
export class WorkerPool {
  readonly #input: Omit<WorkerInput, 'warmUp'>;
  readonly #logger: Logger;
  readonly #offline: PoolWorker[] = [];
  readonly #online: PoolWorker[] = [];
  readonly #stopping = new AbortController();

  private constructor(input: Omit<WorkerInput, 'warmUp'>, logger: Logger) {
    this.#input = input;
    this.#logger = logger;
  }

  /** Resolves when all workers can take jobs. Throws what keeps a worker from starting. */
  static async start(
    input: Omit<WorkerInput, 'warmUp'>,
    limits: Pick<ServerLimits, 'offlineWorkers' | 'onlineWorkers'>,
    logger: Logger,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool(input, logger);
    for (let i = 0; i < limits.offlineWorkers; i++) pool.#spawn(pool.#offline);
    for (let i = 0; i < limits.onlineWorkers; i++) pool.#spawn(pool.#online);
    try {
      await Promise.all([...pool.#offline, ...pool.#online].map((worker) => worker.ready));
      return pool;
    } catch (error) {
      await pool.stop();
      throw error;
    }
  }

  /** The workers that run inferences now. */
  get online(): readonly PoolWorker[] {
    return this.#online;
  }

  /** A place for one Preprocess stream. Its worker stays the same, because the session's keys are there. */
  openSession(session: string): PoolSession {
    return new PoolSession(leastLoaded(this.#offline), session);
  }

  /** Starts the server's online role; the caller moves the channel's segments and calls `release` in the end. */
  infer(model: string, bundleSeed: Uint8Array): { channel: PortChannel; release: () => void } {
    const worker = leastLoaded(this.#online);
    const channel = worker.start({ type: 'infer', model, bundleSeed });
    worker.load++;
    return {
      channel,
      release: () => {
        worker.load--;
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#offline, ...this.#online].map((worker) => worker.stop()));
  }

  #spawn(workers: PoolWorker[]): void {
    const worker = new PoolWorker({ ...this.#input, warmUp: workers === this.#online }, (job, detail) =>
      this.#logger.error({ job, detail }, 'a worker met an internal error'),
    );
    workers.push(worker);
    worker.gone.then((cause) => this.#replace(workers, worker, cause));
  }

  async #replace(workers: PoolWorker[], worker: PoolWorker, cause: unknown): Promise<void> {
    workers.splice(workers.indexOf(worker), 1);
    const signal = this.#stopping.signal;
    if (signal.aborted) return;
    this.#logger.error({ err: cause }, 'a worker died; its calls fail and another one is started');
    await delay(RESPAWN_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted) this.#spawn(workers);
  }
}

/** One Preprocess stream's place in a worker: open once, then prepare bundles one after another, then close. */
export class PoolSession {
  readonly #worker: PoolWorker;
  readonly #name: string;

  constructor(worker: PoolWorker, name: string) {
    this.#worker = worker;
    this.#name = name;
    worker.load++;
  }

  open(): PortChannel {
    return this.#worker.start({ type: 'open', session: this.#name });
  }

  prepare(model: string, bundleSeed: Uint8Array): PortChannel {
    return this.#worker.start({ type: 'prepare', session: this.#name, model, bundleSeed });
  }

  close(): void {
    this.#worker.load--;
    this.#worker.closeSession(this.#name);
  }
}

function leastLoaded(workers: readonly PoolWorker[]): PoolWorker {
  const alive = workers.filter((worker) => worker.alive);
  if (alive.length === 0)
    throw new SphynxError('server/busy', 'the server is replacing a worker; try again in a few seconds');
  return alive.reduce((best, worker) => (worker.load < best.load ? worker : best));
}
