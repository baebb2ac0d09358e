import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { BundleSecrets } from '../protocol/bundle.ts';
import type { Quote } from '../transport/messages.ts';
import type { PortChannel } from '../transport/port-channel.ts';
import { FORGET_MS, RESPAWN_MS, type ServerLimits } from './limits.ts';
import { type PlayedRole, PoolWorker } from './pool-worker.ts';
import { MovingAverage } from './scheduling/moving-average.ts';
import { OnlineFlag } from './scheduling/online-flag.ts';
import { PreparationQueue, type QueueLimits } from './scheduling/preparation-queue.ts';
import type { WorkerInput } from './worker-calls.ts';

/** Input of all workers of a pool. */
export interface PoolInput extends Pick<WorkerInput, 'setting' | 'kernelCacheBytes'> {
  readonly networks: readonly FixedNetwork[];
}

/** Runs the server's roles in worker threads. Some prepare and others infer, so that neither waits for the other. */
export class WorkerPool {
  #input: PoolInput;
  readonly #running = new OnlineFlag();
  readonly #processorMs = new Map<string, MovingAverage>();
  /** The queue of preparations. */
  readonly queue: PreparationQueue;
  readonly #logger: Logger;
  readonly #offline: PoolWorker[] = [];
  readonly #online: PoolWorker[] = [];
  readonly #stopping = new AbortController();
  #forgetting: NodeJS.Timeout | undefined;
  readonly #retiredMs = { inferences: 0, preparations: 0 };

  private constructor(input: PoolInput, limits: QueueLimits, logger: Logger) {
    this.queue = new PreparationQueue(limits);
    this.#input = input;
    this.#logger = logger;
  }

  /** Starts all workers and resolves when they can take jobs. Throws what keeps a worker from starting. */
  static async start(
    input: PoolInput,
    limits: Pick<ServerLimits, 'offlineWorkers' | 'onlineWorkers'> & QueueLimits,
    logger: Logger,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool(input, limits, logger);
    for (let i = 0; i < limits.offlineWorkers; i++) pool.#spawn(pool.#offline, i);
    for (let i = 0; i < limits.onlineWorkers; i++) pool.#spawn(pool.#online, i);
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

  /** The workers that prepare bundles now. */
  get offline(): readonly PoolWorker[] {
    return this.#offline;
  }

  /** Sets the models for subsequent jobs. Removed models stay for `FORGET_MS`, for jobs that were already agreed on. */
  serve(networks: readonly FixedNetwork[]): void {
    const known = new Map(
      [...this.#input.networks, ...networks].map((network) => [network.card.hash, network]),
    );
    this.#serveNow([...known.values()]);
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => this.#serveNow(networks), FORGET_MS).unref();
  }

  #serveNow(networks: readonly FixedNetwork[]): void {
    this.#input = { ...this.#input, networks };
    for (const worker of [...this.#offline, ...this.#online]) if (worker.alive) worker.serve(networks);
  }

  /** Busy time of threads that have died (ms). */
  get retiredMs(): { readonly inferences: number; readonly preparations: number } {
    return this.#retiredMs;
  }

  /** Returns a quote with the current times. `model`: the model's hash. */
  quote(model: string, traffic: Quote): Quote {
    return {
      ...traffic,
      offlineProcessorMs: Math.round(this.#averageOf(model).value ?? 0),
      expectedWaitMs: this.queue.expectedWaitMs,
    };
  }

  /**
   * Returns a place for one Preprocess stream of `client`. Its worker does not change, because it holds the session's
   * keys.
   */
  openSession(session: string, client: string): PoolSession {
    return new PoolSession(leastLoaded(this.#offline), session, client, (model, processorMs) =>
      this.#averageOf(model).add(processorMs),
    );
  }

  /** Throws 'server/busy' while no worker could run an inference. */
  checkOnline(): void {
    leastLoaded(this.#online);
  }

  /** Starts the server's online role; the caller moves the channel's segments and calls `release` in the end. */
  infer(model: string, secrets: BundleSecrets): { channel: PortChannel; release: () => void } {
    const worker = leastLoaded(this.#online);
    const { channel } = worker.start('infer', { model, secrets });
    worker.load++;
    const leave = this.#running.enter();
    return {
      channel,
      release: () => {
        leave();
        worker.load--;
      },
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#forgetting);
    await Promise.all([...this.#offline, ...this.#online].map((worker) => worker.stop()));
  }

  /** Starts a worker. A preparing worker pauses while more than `place` inferences run. */
  #spawn(workers: PoolWorker[], place: number): void {
    const { networks, setting, kernelCacheBytes } = this.#input;
    const input: WorkerInput = {
      setting,
      kernelCacheBytes,
      work: workers === this.#online ? 'inferences' : 'preparations',
      online: this.#running.shared,
      tolerated: place,
    };
    const worker = new PoolWorker(input, networks, (call, detail) =>
      this.#logger.error({ job: call, detail }, 'a worker met an internal error'),
    );
    workers.push(worker);
    worker.gone.then((cause) => this.#replace(workers, worker, place, cause));
  }

  #averageOf(model: string): MovingAverage {
    const average = this.#processorMs.get(model) ?? new MovingAverage();
    this.#processorMs.set(model, average);
    return average;
  }

  async #replace(workers: PoolWorker[], worker: PoolWorker, place: number, cause: unknown): Promise<void> {
    workers.splice(workers.indexOf(worker), 1);
    this.#retiredMs[workers === this.#online ? 'inferences' : 'preparations'] += worker.busyMs;
    const signal = this.#stopping.signal;
    if (signal.aborted) return;
    this.#logger.error({ err: cause }, 'a worker died; its calls fail and another one is started');
    await delay(RESPAWN_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted) this.#spawn(workers, place);
  }
}

/** One Preprocess stream's place in a worker: open once, then prepare bundles one after another, then close. */
export class PoolSession {
  readonly #worker: PoolWorker;
  readonly #name: string;
  readonly #client: string;
  readonly #onPrepared: (model: string, processorMs: number) => void;
  #opened: PlayedRole<'open'> | undefined;

  /** @param onPrepared called with the processor time of each bundle (ms) */
  constructor(
    worker: PoolWorker,
    name: string,
    client: string,
    onPrepared: (model: string, processorMs: number) => void,
  ) {
    this.#worker = worker;
    this.#name = name;
    this.#client = client;
    this.#onPrepared = onPrepared;
    worker.load++;
  }

  open(): PortChannel {
    this.#opened = this.#worker.start('open', { session: this.#name, client: this.#client });
    return this.#opened.channel;
  }

  /**
   * Delta of the session's bundles, which is secret. Resolves once the session is open; throws what kept it from
   * opening.
   */
  get delta(): Promise<Uint8Array> {
    if (!this.#opened) throw new SphynxError('internal', 'the session was not opened');
    return this.#opened.result;
  }

  prepare(model: string, bundleSeed: Uint8Array): PortChannel {
    const { channel, result } = this.#worker.start('prepare', {
      session: this.#name,
      client: this.#client,
      model,
      bundleSeed,
    });
    result.then(
      (processorMs) => this.#onPrepared(model, processorMs),
      () => {},
    );
    return channel;
  }

  close(): void {
    this.#worker.load--;
    this.#worker.closeSession(this.#name);
  }
}

function leastLoaded(workers: readonly PoolWorker[]): PoolWorker {
  const alive = workers.filter((worker) => worker.alive);
  if (alive.length === 0)
    throw new SphynxError('server/busy', 'the server is replacing a worker; try again in a few seconds', {
      retryAfterMs: RESPAWN_MS,
    });
  return alive.reduce((best, worker) => (worker.load < best.load ? worker : best));
}
