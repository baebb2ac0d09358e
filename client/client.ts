import { PREPARE_ONE } from '#client/remedies';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { ModelSummary } from '../transport/messages.ts';
import { checkAborted } from './abort.ts';
import type { Allowance } from './allowance.ts';
import type { BundleHeader } from './bundle-header.ts';
import { BundlePool, type PoolOptions } from './bundle-pool.ts';
import type { BundleStore } from './bundle-store.ts';
import { type Classification, classifyImage } from './classify.ts';
import type { Connection } from './connection.ts';
import { derivePlan } from './derive-plan.ts';
import type { ClassifyInput } from './input.ts';
import { type KnownModel, KnownModels } from './known-models.ts';
import { OFFLINE_THREADS, ONLINE_THREADS } from './limits.ts';
import type { SegmentListener } from './observed-channel.ts';
import { askAllowance, type PrepareProgress, type PrepareTask, prepareBundles } from './prepare.ts';
import {
  describeReady,
  describeRemoved,
  describeSetAside,
  type RemovedModel,
  removedModels,
} from './removed-models.ts';
import { RoleRunners } from './role-runners.ts';
import { several } from './several.ts';

/** Options of `prepare`. */
export interface PrepareOptions {
  /** `NAME`, or `NAME@HASH` for one version; may be left out if the server has one model only. */
  readonly model?: string;
  /** Bundles to prepare: one for each image. Default 1. */
  readonly count?: number;
  /** Called often; must return quickly. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Stops the preparation; bundles that were ready stay. */
  readonly signal?: AbortSignal;
}

/** Options of `classify`. */
export interface ClassifyOptions {
  /** `NAME`, or `NAME@HASH` for one version; may be left out if the server has one model only. */
  readonly model?: string;
  /** Number of entries in `top`. Default: 5 classes; all independent labels; all values. */
  readonly topK?: number;
  /** Prepares a bundle if none is ready, instead of throwing 'bundle/none'. Default false. */
  readonly prepare?: boolean;
  /** Called often while a bundle is prepared; must return quickly. */
  readonly onProgress?: (progress: PrepareProgress) => void;
  /**
   * Called for all that the server receives and sends. If the server refuses a bundle, the conversation of the next one
   * begins at 0 ms.
   */
  readonly onSegment?: SegmentListener;
  /** Stops the call; a bundle in use is lost. */
  readonly signal?: AbortSignal;
}

/**
 * One server's private inference, from `connect`. All methods throw SphynxError, and 'aborted' when their signal fires:
 * then nothing keeps running, an unfinished bundle is removed, and a bundle in use is lost.
 */
export class Client {
  /** The server's address, as `connect` was given it. */
  readonly address: string;
  readonly #connection: Connection;
  readonly #store: BundleStore;
  readonly #models: KnownModels;
  readonly #offline = new RoleRunners(OFFLINE_THREADS);
  readonly #online = new RoleRunners(ONLINE_THREADS);
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  readonly #pools = new Set<BundlePool>();
  #warming = false;

  /** @internal */
  constructor(connection: Connection, store: BundleStore) {
    this.address = connection.address;
    this.#connection = connection;
    this.#store = store;
    this.#models = new KnownModels(connection, async (agreement, signal) => {
      const plan = await derivePlan(this.#online, agreement, connection.planMs, signal);
      if (this.#warming) this.#online.warm(agreement);
      return plan;
    });
  }

  /**
   * Warms up for the first inference in the background, if the server has only one model: fetches its card and warms up
   * a thread. Otherwise this happens when a model is first used. Never throws; the first call reports problems.
   */
  warmUp(): void {
    this.#warming = true;
    this.#models.get(undefined, this.#closing.signal).catch(() => {});
  }

  /**
   * Returns the server's models, ordered by name. Throws 'server/unreachable', 'identity/missing' or
   * 'identity/invalid'.
   */
  async models({ signal }: { signal?: AbortSignal } = {}): Promise<ModelSummary[]> {
    return this.#connection.listModels(this.#either(signal));
  }

  /**
   * Returns the server's clock minus this machine's (ms), to within half a round trip; undefined if the server does not
   * report its time.
   */
  async clockDifference({ signal }: { signal?: AbortSignal } = {}): Promise<number | undefined> {
    return this.#connection.clockDifference(this.#either(signal));
  }

  /**
   * Returns the public description of a model: shapes, labels, preprocessing. `name` may be left out if the server has
   * one model only. Throws 'model/unknown', or 'model/format' for a card that this version cannot read.
   */
  async modelCard(name?: string, { signal }: { signal?: AbortSignal } = {}): Promise<ModelCard> {
    return (await this.#models.get(name, this.#either(signal))).card;
  }

  /**
   * Runs the offline phase, which needs no image: prepares `count` bundles and keeps them on disk until they are spent
   * or expire. Returns the new bundles. Nothing begins if the server's limits or the disk have no room for all of them.
   * If the preparation is interrupted, the bundles that were ready stay. Throws 'server/busy' or 'quota/exceeded' by
   * the server's limits, 'storage/failed' by the disk, 'model/unknown', and 'server/unreachable'. DELPHI, preprocessing
   * phase.
   */
  async prepare({ model, count = 1, onProgress, signal }: PrepareOptions = {}): Promise<BundleHeader[]> {
    checkCount('count', count);
    return this.#run(model, signal, (known, either) =>
      this.#prepare(known, { count, whole: true, onProgress, signal: either }),
    );
  }

  /**
   * Returns what the server's limits and quotas leave to this client's identity. The question prepares nothing and
   * counts against no limit. Older servers that do not know it refuse it with 'config/invalid'.
   */
  async allowance({
    model,
    signal,
  }: {
    model?: string;
    signal?: AbortSignal;
  } = {}): Promise<Allowance | undefined> {
    const parts = { connection: this.#connection };
    return this.#run(model, signal, (known, either) => askAllowance(parts, known, either));
  }

  /**
   * Runs the online phase: classifies one input with one ready bundle. A picture is a path, the bytes of a PNG, JPEG or
   * WebP file, or pixels; for vector and signal models the input is a typed array, or a list, of as many numbers as the
   * card says, channel by channel. The server learns nothing about the input or the result. The client asks the server
   * before anything masked leaves. If a limit refuses the call, the bundle stays ready, and the client asks again when
   * the server suggests. If the connection breaks before the answer, the client tries again with another bundle. After
   * the first masked byte it retries nothing. Throws 'bundle/spent' if the bundle was used elsewhere, and sets the
   * others of the folder aside; 'bundle/none' if none is ready; 'image/unreadable' or 'input/invalid' for the input;
   * 'quota/exceeded' or 'server/busy' by the server's limits; 'server/unreachable' and 'protocol/closed' for the
   * connection. DELPHI, online phase.
   */
  async classify(input: ClassifyInput, options: ClassifyOptions = {}): Promise<Classification> {
    const { topK, prepare = false, onProgress, onSegment } = options;
    if (topK !== undefined) checkCount('topK', topK);
    return this.#run(options.model, options.signal, (model, signal) => {
      const onNoBundle = async () => {
        if (!prepare) throw noBundle(model);
        const pool = this.#poolOf(options.model);
        if (pool) await pool.some(signal);
        else await this.#prepare(model, { count: 1, onProgress, signal });
      };
      const parts = { connection: this.#connection, store: this.#store, threads: this.#online };
      const pooled = prepare && this.#poolOf(options.model) !== undefined;
      const task = { model, input, topK, onNoBundle, pooled, onSegment, signal };
      return classifyImage(parts, task).finally(() => this.#poolOf(options.model)?.check());
    });
  }

  /**
   * Classifies several inputs, a few at once, so that their round trips overlap. Returns the outcome of each, in order.
   * A failure does not affect the other inputs. With `prepare`, missing bundles are prepared first.
   */
  async classifyAll(
    inputs: readonly ClassifyInput[],
    options: ClassifyOptions = {},
  ): Promise<PromiseSettledResult<Classification>[]> {
    const { model, signal, prepare = false, onProgress } = options;
    if (prepare && !this.#poolOf(model)) {
      await this.dropExpired();
      const missing = inputs.length - (await this.bundles({ model, signal })).length;
      if (missing > 0) await this.prepare({ model, count: missing, onProgress, signal });
    }
    return several(inputs, ONLINE_THREADS, (input) => this.classify(input, options));
  }

  /**
   * Returns the ready bundles for this server (for one model, if given), ordered by expiry. Throws 'storage/failed'.
   */
  async bundles({ model, signal }: { model?: string; signal?: AbortSignal } = {}): Promise<BundleHeader[]> {
    if (model === undefined) return this.#store.list();
    return this.#store.list((await this.#models.get(model, this.#either(signal))).card.hash);
  }

  /**
   * Keeps bundles ready in the background, until the pool is stopped or the client closed. `classify` with `prepare`
   * waits for the pool's bundles instead of preparing its own. Throws 'config/invalid' for invalid options.
   */
  pool(options: PoolOptions): BundlePool {
    const { model } = options;
    checkAborted(this.#closing.signal);
    const pool = new BundlePool(
      {
        count: async (signal) => {
          await this.#store.dropExpired();
          const { card } = await this.#models.get(model, signal);
          return (await this.#store.list(card.hash)).length;
        },
        prepare: (count, onReady, signal) => {
          let ready = 0;
          const onProgress = (progress: PrepareProgress) => {
            for (; ready < progress.ready; ready++) onReady();
          };
          return this.#run(model, signal, (known, either) =>
            this.#prepare(known, { count, onProgress, signal: either }),
          );
        },
      },
      options,
    );
    for (const old of this.#pools) if (old.status.state === 'stopped') this.#pools.delete(old);
    this.#pools.add(pool);
    return pool;
  }

  /** Returns models that have ready bundles here but were removed or replaced by the server. */
  async removedModels({ signal }: { signal?: AbortSignal } = {}): Promise<RemovedModel[]> {
    return removedModels(await this.#store.list(), await this.models({ signal }));
  }

  /** Deletes the bundles of models that the server has removed or replaced; returns their number. */
  async dropRemoved({ signal }: { signal?: AbortSignal } = {}): Promise<number> {
    const removed = await this.removedModels({ signal });
    return this.#store.drop(removed.flatMap(({ bundles }) => bundles));
  }

  /**
   * Returns the bundles that are set aside because another one of this folder was used elsewhere, as after copying the
   * folder or restoring it from a backup. They are not used until `confirmBundles`.
   */
  setAsideBundles(): Promise<BundleHeader[]> {
    return this.#store.listSetAside();
  }

  /**
   * Makes the bundles that are set aside ready again. Call it only if they are used nowhere else. Returns their number.
   */
  confirmBundles(): Promise<number> {
    return this.#store.confirm();
  }

  /** Deletes all bundles for this server, including those that are set aside; returns their number. */
  async dropAll(): Promise<number> {
    const dropped = await this.#store.drop([
      ...(await this.#store.list()),
      ...(await this.#store.listSetAside()),
    ]);
    await this.#store.confirm();
    return dropped;
  }

  /** Deletes bundles that have expired or are damaged; returns their number. */
  dropExpired(): Promise<number> {
    return this.#store.dropExpired();
  }

  /** Aborts running calls, waits until they have cleaned up, and closes the connection and all threads. */
  async close(): Promise<void> {
    this.#closing.abort(closed());
    await Promise.allSettled([...this.#pools].map((pool) => pool.stop()));
    await Promise.allSettled(this.#running);
    this.#connection.close();
    await Promise.all([this.#offline.close(), this.#online.close()]);
  }

  /** Adds to an error which bundles exist for removed models and for other models and versions. */
  async #explainBundles(failure: SphynxError): Promise<SphynxError> {
    const [bundles, models] = await Promise.all([
      this.#store.list(),
      this.models({ signal: this.#closing.signal }),
    ]).catch(() => [[], []]);
    const aside = await this.#store.listSetAside().catch(() => []);
    const others = [
      describeRemoved(removedModels(bundles, models)),
      describeReady(bundles, models),
      describeSetAside(aside.length),
    ];
    const message = [failure.message, ...others.filter((text) => text !== '')].join('; ');
    return new SphynxError(failure.code, message, { cause: failure });
  }

  /** Returns a signal that fires with the caller's or when the client is closed. Throws 'aborted' if one has fired. */
  #either(signal: AbortSignal | undefined): AbortSignal {
    const either = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    checkAborted(either);
    return either;
  }

  #poolOf(model: string | undefined): BundlePool | undefined {
    return [...this.#pools].find((pool) => pool.model === model && pool.status.state !== 'stopped');
  }

  #prepare(model: KnownModel, task: Omit<PrepareTask, 'model'>): Promise<BundleHeader[]> {
    const parts = { connection: this.#connection, store: this.#store, threads: this.#offline };
    return prepareBundles(parts, { model, ...task });
  }

  /**
   * Runs `work` with the model and a signal from `#either`. If the card proves outdated, the next call fetches it again.
   */
  async #run<Result>(
    name: string | undefined,
    signal: AbortSignal | undefined,
    work: (model: KnownModel, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const either = this.#either(signal);
    const running = this.#models.get(name, either).then((model) => work(model, either));
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      const failure = asSphynxError(error);
      if (failure.code === 'model/mismatch') this.#models.forget();
      throw WITHOUT_BUNDLES.includes(failure.code) ? await this.#explainBundles(failure) : failure;
    } finally {
      this.#running.delete(running);
    }
  }
}

/** Errors of a call for which no bundle fits, as when the server has removed or replaced the model. */
const WITHOUT_BUNDLES: readonly string[] = ['model/mismatch', 'model/unknown', 'bundle/none'];

function noBundle({ card }: KnownModel): SphynxError {
  return new SphynxError('bundle/none', `no bundle is ready for the model ${card.name}: ${PREPARE_ONE}`);
}

function closed(): SphynxError {
  return new SphynxError('aborted', 'the client was closed: connect again');
}

function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new SphynxError('config/invalid', `${name} must be a whole number of at least 1, got ${value}`);
}
