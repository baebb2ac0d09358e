import { randomBytes } from 'node:crypto';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { BundleClaim, BundleCounts, BundleStore, NewBundle } from './bundle-store.ts';
import { missingKey, type RecordCipher } from './record-cipher.ts';
import { RedisConnection, type RedisOptions, UnknownOutcome } from './redis-connection.ts';
import { PREFIX, SCRIPTS, type ScriptName } from './redis-scripts.ts';
import { notPreparing, type Refusal, refusalError, tooManyBundles } from './refusal.ts';
import type { StoreLimits } from './store-limits.ts';
import { QUOTA_HOUR_MS } from './store-limits.ts';
import type { Standing } from './usage.ts';

/** A server that has been silent for this long (ms) counts as dead, and its unfinished bundles are burned. */
const LEASE_MS = 30_000;

/** Records that one step deletes or counts: Redis does nothing else meanwhile. */
const SWEEP_BATCH = 500;

/** Test seams. */
interface RedisBundleStoreSeams {
  /** Milliseconds since the epoch, in place of the clock of Redis. */
  readonly now?: () => number;
  readonly leaseMs?: number;
}

/**
 * Bundle records in Redis, for several servers that share them: each can spend bundles that another one prepared. Every
 * server renews a lease; bundles that a server without a lease left in preparing or spending are burned by any other
 * server. Every change is one Lua script, durable when it is confirmed. Only the clock of Redis is used: a server's own
 * clock expires no bundle and lengthens no hour.
 */
export class RedisBundleStore implements BundleStore {
  readonly #redis: RedisConnection;
  readonly #cipher: RecordCipher;
  readonly #limits: StoreLimits;
  readonly #now: (() => number) | undefined;
  readonly #leaseMs: number;
  /** This server, as the owner of what it prepares and spends. */
  readonly #owner = randomBytes(16).toString('hex');
  /** Bundles that may or may not have been spent. They are never spent here, and are burned when Redis is back. */
  readonly #doubtful = new Set<string>();
  readonly #renewal: NodeJS.Timeout;

  private constructor(
    redis: RedisConnection,
    cipher: RecordCipher,
    limits: StoreLimits,
    { now, leaseMs = LEASE_MS }: RedisBundleStoreSeams,
  ) {
    this.#redis = redis;
    this.#cipher = cipher;
    this.#limits = limits;
    this.#now = now;
    this.#leaseMs = leaseMs;
    // A renewal that fails is tried again by the next one, before the lease ends.
    this.#renewal = setInterval(() => this.#renew().catch(() => {}), leaseMs / 3).unref();
  }

  /** Throws 'config/invalid' if Redis could forget what it confirms, 'storage/failed' if it cannot be reached. */
  static async open(
    redis: RedisOptions,
    cipher: RecordCipher,
    limits: StoreLimits,
    seams: RedisBundleStoreSeams = {},
  ): Promise<RedisBundleStore> {
    const connection = await RedisConnection.open(redis);
    const store = new RedisBundleStore(connection, cipher, limits, seams);
    try {
      await store.#renew();
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  async create(bundle: NewBundle): Promise<number> {
    const { id, client, identity, anonymous, model, secrets, lifetimeMs } = bundle;
    const { bundlesPerClient, preparationsPerHour, preparationsTotal, ...limits } = this.#limits;
    const [outcome, value] = (await this.#run('create', [
      ...[id, client, identity, model.name, model.hash, model.planHash],
      ...[this.#cipher.seal(bundle, secrets), lifetimeMs, this.#owner, bundlesPerClient],
      ...[preparationsPerHour, preparationsTotal, QUOTA_HOUR_MS, Number(anonymous)],
      ...[limits.inferencesPerHour, limits.inferencesTotal],
    ])) as [Refusal | 'created' | 'full', string];
    if (outcome === 'full') throw tooManyBundles(bundlesPerClient);
    if (outcome !== 'created') throw refusalError(outcome, Number(value));
    return Number(value);
  }

  async standing(identity: string): Promise<Standing> {
    const numbers = ((await this.#run('standing', [identity, QUOTA_HOUR_MS])) as unknown[]).map(Number);
    const [held, hourBegan, inHour, total, begunInHour, begunTotal, now] = numbers;
    const usage = { hourBegan, inHour, total, begunInHour, begunTotal };
    return { held, usage, hourEndsMs: hourBegan + QUOTA_HOUR_MS - now };
  }

  async markReady(id: string): Promise<void> {
    if ((await this.#run('markReady', [id])) !== 1) throw notPreparing();
  }

  async abandon(id: string): Promise<void> {
    await this.#run('abandon', [id]);
  }

  async discard(client: string, ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return (await this.#run('discard', [client, ...ids])) as number;
  }

  async spend(claim: BundleClaim): Promise<BundleSecrets> {
    const { id, client, identity, anonymous, model } = claim;
    if (this.#doubtful.has(id)) throw refusalError('spent');
    try {
      const { inferencesPerHour, inferencesTotal } = this.#limits;
      const [outcome, value] = (await this.#run('spend', [
        ...[id, client, identity, model.name, model.hash, model.planHash, this.#owner],
        ...[inferencesPerHour, inferencesTotal, QUOTA_HOUR_MS, this.#cipher.keyIds.join(' ')],
        Number(anonymous),
      ])) as [Refusal | 'secrets' | 'key', string];
      if (outcome === 'key') throw missingKey(value);
      if (outcome !== 'secrets') throw refusalError(outcome, Number(value));
      await this.#redis.replicate();
      return this.#cipher.open(claim, value);
    } catch (error) {
      if (error instanceof UnknownOutcome) this.#doubtful.add(id);
      throw error;
    }
  }

  async markSpent(id: string): Promise<void> {
    await this.#run('markSpent', [id]);
  }

  async burnLeftovers(): Promise<number> {
    return (await this.#run('burnLeftovers', [])) as number;
  }

  async sweep(): Promise<number> {
    for (const id of this.#doubtful) {
      await this.#run('burnDoubtful', [id]);
      this.#doubtful.delete(id);
    }
    await this.burnLeftovers();
    for (let swept = 0; ; ) {
      const batch = (await this.#run('sweep', [SWEEP_BATCH])) as number;
      swept += batch;
      if (batch < SWEEP_BATCH) return swept;
    }
  }

  async counts(): Promise<BundleCounts> {
    const counts = { preparing: 0, ready: 0, spending: 0, spent: 0 };
    for (let offset = 0; ; offset += SWEEP_BATCH) {
      const states = (await this.#run('states', [offset, SWEEP_BATCH])) as (keyof BundleCounts)[];
      for (const state of states) counts[state]++;
      if (states.length < SWEEP_BATCH) return counts;
    }
  }

  /** Releases the lease, so that others need not wait for its end. */
  async close(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#redis.run(['DEL', this.#lease]).catch(() => {});
    this.#redis.close();
  }

  async #renew(): Promise<void> {
    await this.#redis.run(['SET', this.#lease, '1', 'PX', String(this.#leaseMs)]);
  }

  get #lease(): string {
    return `${PREFIX}server:${this.#owner}`;
  }

  #run(script: ScriptName, args: readonly (string | number)[]): Promise<unknown> {
    const now = this.#now?.() ?? '';
    return this.#redis.run(['EVAL', SCRIPTS[script], '1', PREFIX, ...[...args, now].map(String)]);
  }
}
