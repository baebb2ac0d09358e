import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { BundleClaim, BundleStore, NewBundle } from './bundle-store.ts';

/** Name of the database in the state folder. */
const FILE = 'bundles.sqlite';

/** How long a write waits for another process that holds the file (ms). Writes take a few. */
const LOCK_WAIT_MS = 2000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bundle (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    seed BLOB,
    state TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'spending', 'spent')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((seed IS NULL) = (state IN ('spending', 'spent')))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bundle_of_client ON bundle (client, expires_at);
  CREATE INDEX IF NOT EXISTS bundle_by_expiry ON bundle (expires_at);
`;

const MATCH = 'id = ? AND client = ? AND model = ? AND model_hash = ? AND plan_hash = ?';

interface SqliteBundleStoreOptions {
  /** Bundles in preparing or ready that one client may hold. */
  readonly bundlesPerClient: number;
  /** Milliseconds since the epoch; a test seam for expiry. */
  readonly now?: () => number;
}

/**
 * Bundle records in one SQLite file of the state folder, for a server of one process, readable by its owner
 * only. Every commit is synced to disk before it counts (write-ahead log with synchronous=FULL: one sync, on
 * the way of every inference). Erased seeds are overwritten in the file (secure_delete); the log may hold them
 * until `sweep` or `close` empties it. How well a disk forgets what was overwritten is beyond this program.
 */
export class SqliteBundleStore implements BundleStore {
  readonly #database: DatabaseSync;
  readonly #statements: Record<keyof typeof SQL, StatementSync>;
  readonly #bundlesPerClient: number;
  readonly #now: () => number;

  /** Opens or creates the file. Throws 'storage/failed' if the folder or the file cannot be used. */
  constructor(folder: string, { bundlesPerClient, now = Date.now }: SqliteBundleStoreOptions) {
    this.#bundlesPerClient = bundlesPerClient;
    this.#now = now;
    const path = join(folder, FILE);
    this.#database = stored(`open ${path}`, () => open(folder, path));
    this.#statements = stored(`prepare ${path}`, () => prepare(this.#database));
  }

  async create({ id, client, model, seed, expiresAt }: NewBundle): Promise<void> {
    const now = this.#now();
    const limit = this.#bundlesPerClient;
    const { changes } = stored('record a bundle', () =>
      this.#statements.create.run(
        ...[id, client, model.name, model.hash, model.planHash, seed, now, expiresAt],
        ...[client, now, limit],
      ),
    );
    if (changes === 0)
      throw new SphynxError(
        'server/busy',
        `this client holds ${limit} unspent bundles, as many as it may: classify with them, or let them expire`,
      );
  }

  async markReady(id: string): Promise<void> {
    const { changes } = stored('record a bundle', () => this.#statements.markReady.run(id, this.#now()));
    if (changes === 0)
      throw new SphynxError(
        'bundle/unknown',
        'the bundle is not being prepared any more; prepare another one',
      );
  }

  async abandon(id: string): Promise<void> {
    stored('forget a bundle', () => this.#statements.abandon.run(id));
  }

  async spend({ id, client, model }: BundleClaim): Promise<Uint8Array> {
    const key = [id, client, model.name, model.hash, model.planHash];
    const seed = stored('spend a bundle', () =>
      this.#transaction(() => {
        // The write lock is held from here on: nobody else can move the record between these two lines.
        const held = this.#statements.readSeed.get(id);
        const { changes } = this.#statements.spend.run(...key, this.#now());
        return changes === 1 ? (held?.seed as Uint8Array) : undefined;
      }),
    );
    if (!seed) throw this.#refusal({ id, client, model });
    return seed;
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
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return Number(changes);
    });
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) stored('close the bundle store', () => this.#database.close());
  }

  /** Why a claim was not granted. Another client's bundle is as unknown as none. */
  #refusal({ id, client, model }: BundleClaim): SphynxError {
    const record = stored('read a bundle', () => this.#statements.read.get(id, client));
    if (!record || record.state === 'preparing')
      return new SphynxError(
        'bundle/unknown',
        'this server holds no such bundle of yours; prepare a new one',
      );
    if (record.state !== 'ready')
      return new SphynxError('bundle/spent', 'the bundle was used before; every bundle serves one image');
    if (
      record.model !== model.name ||
      record.model_hash !== model.hash ||
      record.plan_hash !== model.planHash
    )
      return new SphynxError('model/mismatch', 'the bundle was prepared for another model or version of it');
    return new SphynxError('bundle/expired', 'the bundle is older than its lifetime; prepare a new one');
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

const SQL = {
  create: `INSERT INTO bundle SELECT ?, ?, ?, ?, ?, ?, 'preparing', ?, ? WHERE
    (SELECT count(*) FROM bundle WHERE client = ? AND expires_at > ? AND state IN ('preparing', 'ready')) < ?`,
  markReady: `UPDATE bundle SET state = 'ready' WHERE id = ? AND state = 'preparing' AND expires_at > ?`,
  abandon: `DELETE FROM bundle WHERE id = ? AND state = 'preparing'`,
  readSeed: 'SELECT seed FROM bundle WHERE id = ?',
  spend: `UPDATE bundle SET state = 'spending', seed = NULL
    WHERE ${MATCH} AND state = 'ready' AND expires_at > ?`,
  markSpent: `UPDATE bundle SET state = 'spent' WHERE id = ? AND state = 'spending'`,
  burnLeftovers: `UPDATE bundle SET state = 'spent', seed = NULL WHERE state IN ('preparing', 'spending')`,
  sweep: 'DELETE FROM bundle WHERE expires_at <= ?',
  read: 'SELECT state, model, model_hash, plan_hash FROM bundle WHERE id = ? AND client = ?',
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
    ${SCHEMA}
  `);
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
    throw new SphynxError(
      'storage/failed',
      `could not ${what}: is the disk full or the state folder not writable? The log tells more`,
      { cause },
    );
  }
}
