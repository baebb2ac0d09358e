import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SphynxError } from '../../errors/sphynx-error.ts';
import {
  type BundleClaim,
  type BundleCounts,
  type BundleStore,
  type NewBundle,
  QUOTA_HOUR_MS,
  type StoreLimits,
} from './bundle-store.ts';
import { notPreparing, type Refusal, refusalError, tooManyBundles } from './refusal.ts';
import type { SeedCipher } from './seed-cipher.ts';

/** Name of the database in the state folder. */
const FILE = 'bundles.sqlite';

/** How long a write waits for another process that holds the file (ms). Writes take a few. */
const LOCK_WAIT_MS = 2000;

/** Kept in the file. Bundles of an older layout are dropped, and prepared anew by clients; what identities have used stays. */
const LAYOUT = 3;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bundle (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    identity TEXT NOT NULL,
    model TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    seed TEXT,
    state TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'spending', 'spent')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((seed IS NULL) = (state IN ('spending', 'spent')))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bundle_of_identity ON bundle (identity, expires_at);
  CREATE INDEX IF NOT EXISTS bundle_by_expiry ON bundle (expires_at);
  CREATE TABLE IF NOT EXISTS usage (
    identity TEXT PRIMARY KEY,
    hour_began INTEGER NOT NULL,
    in_hour INTEGER NOT NULL,
    total INTEGER NOT NULL,
    forget_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usage_to_forget ON usage (forget_at) WHERE forget_at IS NOT NULL;
  PRAGMA user_version = ${LAYOUT};
`;

/**
 * Bundle records in one SQLite file of the state folder, for a server of one process, readable by its owner
 * only. Every commit is synced to disk before it counts (write-ahead log with synchronous=FULL: one sync, on
 * the way of every inference). Seeds are sealed. Erased ones are overwritten in the file (secure_delete); the log may hold them
 * until `sweep` or `close` empties it. How well a disk forgets what was overwritten is beyond this program.
 */
export class SqliteBundleStore implements BundleStore {
  readonly #database: DatabaseSync;
  readonly #statements: Record<keyof typeof SQL, StatementSync>;
  readonly #cipher: SeedCipher;
  readonly #limits: StoreLimits;
  readonly #now: () => number;

  /**
   * Opens or creates the file. Throws 'storage/failed' if the folder or the file cannot be used.
   *
   * @param now milliseconds since the epoch; a test seam for expiry
   */
  constructor(folder: string, cipher: SeedCipher, limits: StoreLimits, now: () => number = Date.now) {
    this.#cipher = cipher;
    this.#limits = limits;
    this.#now = now;
    const path = join(folder, FILE);
    this.#database = stored(`open ${path}`, () => open(folder, path));
    this.#statements = stored(`prepare ${path}`, () => prepare(this.#database));
  }

  async create({ id, client, identity, model, seed, lifetimeMs }: NewBundle): Promise<number> {
    const now = this.#now();
    const expiresAt = now + lifetimeMs;
    const limit = this.#limits.bundlesPerClient;
    const sealed = this.#cipher.seal(id, seed);
    const { changes } = stored('record a bundle', () =>
      this.#statements.create.run(
        ...[id, client, identity, model.name, model.hash, model.planHash, sealed, now, expiresAt],
        ...[identity, now, limit],
      ),
    );
    if (changes === 0) throw tooManyBundles(limit);
    return expiresAt;
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

  async spend(claim: BundleClaim): Promise<Uint8Array> {
    const now = this.#now();
    const outcome = stored('spend a bundle', () =>
      // It holds the write lock from its first line on: nobody else moves the record or counts in between.
      this.#transaction(() => {
        const record = this.#statements.read.get(claim.id, claim.client);
        const usage = this.#usage(claim.identity, now);
        const refusal = refusalOf(record, claim, now) ?? this.#quotaRefusal(usage);
        const hourEnds = usage.hourBegan + QUOTA_HOUR_MS;
        if (refusal) return { refusal, waitMs: hourEnds - now };
        const seed = this.#cipher.open(claim.id, record?.seed as string);
        if (this.#statements.spend.run(claim.id).changes !== 1) throw new Error('the bundle was not ready');
        const forgetAt = claim.anonymous ? Math.max(hourEnds, Number(record?.expires_at)) : null;
        this.#statements.use.run(
          claim.identity,
          usage.hourBegan,
          usage.inHour + 1,
          usage.total + 1,
          forgetAt,
        );
        return { seed };
      }),
    );
    if (outcome.seed) return outcome.seed;
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

  /** What the identity has used: of the hour that runs now, or of one that begins now. */
  #usage(identity: string, now: number): { hourBegan: number; inHour: number; total: number } {
    const row = this.#statements.usage.get(identity);
    const began = Number(row?.hour_began ?? now);
    const total = Number(row?.total ?? 0);
    // A clock that was set back begins a new hour too, rather than a longer one.
    const runs = now >= began && now < began + QUOTA_HOUR_MS;
    return runs
      ? { hourBegan: began, inHour: Number(row?.in_hour ?? 0), total }
      : { hourBegan: now, inHour: 0, total };
  }

  #quotaRefusal({ inHour, total }: { inHour: number; total: number }): Refusal | undefined {
    if (total >= this.#limits.inferencesTotal) return 'total';
    return inHour >= this.#limits.inferencesPerHour ? 'hour' : undefined;
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

/** Why a claim is not granted to this record, if it is not. */
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

const SQL = {
  create: `INSERT INTO bundle SELECT ?, ?, ?, ?, ?, ?, ?, 'preparing', ?, ? WHERE
    (SELECT count(*) FROM bundle WHERE identity = ? AND expires_at > ? AND state IN ('preparing', 'ready')) < ?`,
  markReady: `UPDATE bundle SET state = 'ready' WHERE id = ? AND state = 'preparing' AND expires_at > ?`,
  abandon: `DELETE FROM bundle WHERE id = ? AND state = 'preparing'`,
  discard: `UPDATE bundle SET state = 'spent', seed = NULL
    WHERE id = ? AND client = ? AND state IN ('preparing', 'ready')`,
  read: `SELECT state, model, model_hash, plan_hash, expires_at, seed FROM bundle WHERE id = ? AND client = ?`,
  spend: `UPDATE bundle SET state = 'spending', seed = NULL WHERE id = ? AND state = 'ready'`,
  usage: 'SELECT hour_began, in_hour, total FROM usage WHERE identity = ?',
  use: 'INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?)',
  markSpent: `UPDATE bundle SET state = 'spent' WHERE id = ? AND state = 'spending'`,
  burnLeftovers: `UPDATE bundle SET state = 'spent', seed = NULL WHERE state IN ('preparing', 'spending')`,
  sweep: 'DELETE FROM bundle WHERE expires_at <= ?',
  forget: 'DELETE FROM usage WHERE forget_at <= ?',
  counts: 'SELECT state, count(*) AS count FROM bundle GROUP BY state',
};

function open(folder: string, path: string): DatabaseSync {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // Created here, with its mode, so that it is never readable by others; SQLite gives its log the same mode.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
  `);
  const { user_version: layout } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (layout !== LAYOUT) database.exec('DROP TABLE IF EXISTS bundle');
  if (layout === 2) database.exec('ALTER TABLE usage ADD COLUMN forget_at INTEGER');
  database.exec(SCHEMA);
  return database;
}

function prepare(database: DatabaseSync): Record<keyof typeof SQL, StatementSync> {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]);
  return Object.fromEntries(entries);
}

/** Any fault of disk or database as 'storage/failed', the same for every operation. */
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
