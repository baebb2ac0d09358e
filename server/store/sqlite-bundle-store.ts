import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { BundleClaim, BundleCounts, BundleStore, NewBundle } from './bundle-store.ts';
import type { RecordCipher } from './record-cipher.ts';
import { notPreparing, type Refusal, refusalError, tooManyBundles } from './refusal.ts';
import { openDatabase, prepareStatements, type Statements } from './sqlite-database.ts';
import { QUOTA_HOUR_MS, type StoreLimits } from './store-limits.ts';
import { inferenceRefusal, preparationRefusal, type Standing, type Usage, usageAt } from './usage.ts';

/** Name of the database in the state folder. */
const FILE = 'bundles.sqlite';

/**
 * Bundle records in one SQLite file of the state folder, for a server of one process, readable by its owner only. Every
 * commit is synced to disk before it counts (write-ahead log with synchronous=FULL: one sync, on the way of every
 * inference). Secrets are sealed. Erased ones are overwritten in the file (secure_delete); the log may hold them until
 * `sweep` or `close` empties it. This program cannot control whether a disk retains overwritten data.
 */
export class SqliteBundleStore implements BundleStore {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #cipher: RecordCipher;
  readonly #limits: StoreLimits;
  readonly #now: () => number;
  /** Ready bundles of an older format that were dropped when the file was opened. */
  readonly dropped: number;

  /**
   * Opens or creates the file. Throws 'storage/failed' if the folder or the file cannot be used.
   *
   * @param now milliseconds since the epoch; a test seam for expiry
   */
  constructor(folder: string, cipher: RecordCipher, limits: StoreLimits, now: () => number = Date.now) {
    this.#cipher = cipher;
    this.#limits = limits;
    this.#now = now;
    const path = join(folder, FILE);
    const { database, dropped } = stored(`open ${path}`, () => openDatabase(folder, path));
    this.#database = database;
    this.dropped = dropped;
    this.#statements = stored(`prepare ${path}`, () => prepareStatements(this.#database));
  }

  async create(bundle: NewBundle): Promise<number> {
    const { id, client, identity, model, secrets, lifetimeMs } = bundle;
    const now = this.#now();
    const expiresAt = now + lifetimeMs;
    const limit = this.#limits.bundlesPerClient;
    const sealed = this.#cipher.seal(bundle, secrets);
    const outcome = stored('record a bundle', () =>
      this.#transaction(() => {
        const usage = this.#usage(identity, now);
        const refusal = preparationRefusal(usage, this.#limits);
        if (refusal) return { refusal, waitMs: usage.hourBegan + QUOTA_HOUR_MS - now };
        const { changes } = this.#statements.create.run(
          ...[id, client, identity, model.name, model.hash, model.planHash, sealed, now, expiresAt],
          ...[identity, now, limit],
        );
        if (changes === 0) return { full: true };
        const begun = { begunInHour: usage.begunInHour + 1, begunTotal: usage.begunTotal + 1 };
        this.#use(bundle, { ...usage, ...begun }, expiresAt);
        return {};
      }),
    );
    if (outcome.full) throw tooManyBundles(limit);
    if (outcome.refusal) throw refusalError(outcome.refusal, outcome.waitMs);
    return expiresAt;
  }

  async standing(identity: string): Promise<Standing> {
    const now = this.#now();
    return stored('read usage', () => {
      const usage = this.#usage(identity, now);
      const { held } = this.#statements.held.get(identity, now) as { held: number };
      return { held: Number(held), usage, hourEndsMs: usage.hourBegan + QUOTA_HOUR_MS - now };
    });
  }

  async markReady(id: string): Promise<void> {
    const { changes } = stored('record a bundle', () => this.#statements.markReady.run(id, this.#now()));
    if (changes === 0) throw notPreparing();
  }

  async abandon(id: string): Promise<void> {
    stored('forget a bundle', () => this.#statements.abandon.run(id));
  }

  async discard(client: string, ids: readonly string[]): Promise<number> {
    return stored('discard bundles', () =>
      this.#transaction(() =>
        ids.reduce((sum, id) => sum + Number(this.#statements.discard.run(id, client).changes), 0),
      ),
    );
  }

  async spend(claim: BundleClaim): Promise<BundleSecrets> {
    const now = this.#now();
    const outcome = stored('spend a bundle', () =>
      // The transaction holds the write lock from its first line, so nobody else changes the record or the counts
      // meanwhile.
      this.#transaction(() => {
        const record = this.#statements.read.get(claim.id, claim.client);
        const usage = this.#usage(claim.identity, now);
        const refusal = refusalOf(record, claim, now) ?? inferenceRefusal(usage, this.#limits);
        if (refusal) return { refusal, waitMs: usage.hourBegan + QUOTA_HOUR_MS - now };
        const secrets = this.#cipher.open(claim, record?.secrets as string);
        if (this.#statements.spend.run(claim.id).changes !== 1) throw new Error('the bundle was not ready');
        const used = { inHour: usage.inHour + 1, total: usage.total + 1 };
        this.#use(claim, { ...usage, ...used }, Number(record?.expires_at));
        return { secrets };
      }),
    );
    if (outcome.secrets) return outcome.secrets;
    throw refusalError(outcome.refusal as Refusal, outcome.waitMs);
  }

  async markSpent(id: string): Promise<void> {
    stored('record a spent bundle', () => this.#statements.markSpent.run(id));
  }

  async burnLeftovers(): Promise<number> {
    return stored('burn bundles', () => Number(this.#statements.burnLeftovers.run().changes));
  }

  async sweep(): Promise<number> {
    return stored('delete expired bundles', () => {
      const { changes } = this.#statements.sweep.run(this.#now());
      this.#statements.forget.run(this.#now());
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return Number(changes);
    });
  }

  async counts(): Promise<BundleCounts> {
    const rows = stored('count bundles', () => this.#statements.counts.all());
    const found = Object.fromEntries(rows.map(({ state, count }) => [state as string, Number(count)]));
    return { preparing: 0, ready: 0, spending: 0, spent: 0, ...found };
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) stored('close the bundle store', () => this.#database.close());
  }

  #usage(identity: string, now: number): Usage {
    return usageAt(this.#statements.usage.get(identity), now);
  }

  /** Stores the usage; for an anonymous caller until the hour and the bundle's lifetime are over. */
  #use(
    { identity, anonymous }: Pick<BundleClaim, 'identity' | 'anonymous'>,
    usage: Usage,
    expiresAt: number,
  ): void {
    const { hourBegan, inHour, total, begunInHour, begunTotal } = usage;
    const forgetAt = anonymous ? Math.max(hourBegan + QUOTA_HOUR_MS, expiresAt) : null;
    this.#statements.use.run(identity, hourBegan, inHour, total, begunInHour, begunTotal, forgetAt);
  }

  #transaction<Result>(body: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Returns why this record does not grant a claim, or undefined if it does. */
function refusalOf(
  record: Record<string, unknown> | undefined,
  { model }: BundleClaim,
  now: number,
): Refusal | undefined {
  if (!record || record.state === 'preparing') return 'unknown';
  if (record.state !== 'ready') return 'spent';
  const { name, hash, planHash } = model;
  if (record.model !== name || record.model_hash !== hash || record.plan_hash !== planHash) return 'mismatch';
  return (record.expires_at as number) > now ? undefined : 'expired';
}

/** Runs an operation and reports any fault of disk or database as 'storage/failed'. */
function stored<Result>(what: string, operation: () => Result): Result {
  try {
    return operation();
  } catch (cause) {
    if (cause instanceof SphynxError) throw cause;
    throw new SphynxError(
      'storage/failed',
      `could not ${what}: is the server's disk full or its state folder not writable? Its log tells more; try again later`,
      { cause },
    );
  }
}
