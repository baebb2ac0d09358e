/** The SQLite file of the bundle records: its layout, and every statement that reads or changes it. */
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** How long a write waits for another process that holds the file (ms). Writes take a few. */
const LOCK_WAIT_MS = 2000;

/**
 * Version of the file's layout, which also increases with RECORD_FORMAT. Bundles of an older layout are dropped, and
 * clients prepare new ones; usage counts are kept.
 */
const LAYOUT = 5;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS bundle (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    identity TEXT NOT NULL,
    model TEXT NOT NULL,
    model_hash TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    secrets TEXT,
    state TEXT NOT NULL CHECK (state IN ('preparing', 'ready', 'spending', 'spent')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((secrets IS NULL) = (state IN ('spending', 'spent')))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bundle_of_identity ON bundle (identity, expires_at);
  CREATE INDEX IF NOT EXISTS bundle_by_expiry ON bundle (expires_at);
  CREATE TABLE IF NOT EXISTS usage (
    identity TEXT PRIMARY KEY,
    hour_began INTEGER NOT NULL,
    in_hour INTEGER NOT NULL,
    total INTEGER NOT NULL,
    begun_in_hour INTEGER NOT NULL DEFAULT 0,
    begun_total INTEGER NOT NULL DEFAULT 0,
    forget_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS usage_to_forget ON usage (forget_at) WHERE forget_at IS NOT NULL;
  PRAGMA user_version = ${LAYOUT};
`;

const SQL = {
  create: `INSERT INTO bundle SELECT ?, ?, ?, ?, ?, ?, ?, 'preparing', ?, ? WHERE
    (SELECT count(*) FROM bundle WHERE identity = ? AND expires_at > ? AND state IN ('preparing', 'ready')) < ?`,
  markReady: `UPDATE bundle SET state = 'ready' WHERE id = ? AND state = 'preparing' AND expires_at > ?`,
  abandon: `DELETE FROM bundle WHERE id = ? AND state = 'preparing'`,
  discard: `UPDATE bundle SET state = 'spent', secrets = NULL
    WHERE id = ? AND client = ? AND state IN ('preparing', 'ready')`,
  read: `SELECT state, model, model_hash, plan_hash, expires_at, secrets FROM bundle WHERE id = ? AND client = ?`,
  spend: `UPDATE bundle SET state = 'spending', secrets = NULL WHERE id = ? AND state = 'ready'`,
  usage: 'SELECT hour_began, in_hour, total, begun_in_hour, begun_total FROM usage WHERE identity = ?',
  use: `INSERT OR REPLACE INTO usage (identity, hour_began, in_hour, total, begun_in_hour, begun_total, forget_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  markSpent: `UPDATE bundle SET state = 'spent' WHERE id = ? AND state = 'spending'`,
  burnLeftovers: `UPDATE bundle SET state = 'spent', secrets = NULL WHERE state IN ('preparing', 'spending')`,
  sweep: 'DELETE FROM bundle WHERE expires_at <= ?',
  forget: 'DELETE FROM usage WHERE forget_at <= ?',
  held: `SELECT count(*) AS held FROM bundle WHERE identity = ? AND expires_at > ? AND state IN ('preparing', 'ready')`,
  counts: 'SELECT state, count(*) AS count FROM bundle GROUP BY state',
};

export type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

/**
 * Opens or creates the file `path` in `folder`, and brings it to the layout above. Returns how many ready bundles of an
 * older layout were dropped, too.
 */
export function openDatabase(folder: string, path: string): { database: DatabaseSync; dropped: number } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // The file is created here with its mode, so that it is never readable by others; SQLite gives its log the same mode.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
  `);
  const { user_version: layout } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  const dropped = layout === LAYOUT ? 0 : dropBundles(database);
  if (layout === 2) database.exec('ALTER TABLE usage ADD COLUMN forget_at INTEGER');
  if (layout === 2 || layout === 3)
    for (const column of ['begun_in_hour', 'begun_total'])
      database.exec(`ALTER TABLE usage ADD COLUMN ${column} INTEGER NOT NULL DEFAULT 0`);
  database.exec(SCHEMA);
  return { database, dropped };
}

/** Drops the bundles of an older layout. Returns how many were ready. */
function dropBundles(database: DatabaseSync): number {
  const columns = database.prepare('PRAGMA table_info(bundle)').all();
  const hasStates = columns.some(({ name }) => name === 'state');
  const count = "SELECT count(*) AS ready FROM bundle WHERE state = 'ready'";
  const ready = hasStates ? Number(database.prepare(count).get()?.ready) : 0;
  database.exec('DROP TABLE IF EXISTS bundle');
  return ready;
}

/** Prepares the statements with which the store reads and changes its records. */
export function prepareStatements(database: DatabaseSync): Statements {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]);
  return Object.fromEntries(entries);
}
