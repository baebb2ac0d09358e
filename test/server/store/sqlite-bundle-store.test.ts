import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { SqliteBundleStore } from '../../../server/store/sqlite-bundle-store.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { claimOf, newBundle, readyBundle } from '../bundles.ts';
import { CIPHER, LIMITS } from './store-place.ts';

const FILE = 'bundles.sqlite';

test('the secrets are never on disk in the clear, their sealed form not once they are spent and swept, and only for the owner', async () => {
  const folder = temporaryFolder();
  const store = new SqliteBundleStore(folder, CIPHER, LIMITS);
  const bundle = await readyBundle(store);
  const { id, secrets } = bundle;
  const holds = (bytes: Uint8Array) =>
    readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(Buffer.from(bytes)));
  const database = new DatabaseSync(join(folder, FILE), { readOnly: true });
  const sealed = Buffer.from(String(database.prepare('SELECT secrets FROM bundle').get()?.secrets));
  database.close();
  assert.deepEqual(CIPHER.open(bundle, sealed.toString()), secrets);
  assert.equal(holds(sealed), true);
  assert.equal(holds(secrets.seed) || holds(secrets.delta as Uint8Array), false);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  await store.spend(claimOf(id));
  await store.sweep();
  assert.equal(holds(sealed), false);
  await store.close();
});

test('bundles of an older layout are dropped, with their seeds', async () => {
  const folder = temporaryFolder();
  const old = new DatabaseSync(join(folder, FILE));
  old.exec(`
    CREATE TABLE bundle (id TEXT PRIMARY KEY, seed BLOB, state TEXT);
    INSERT INTO bundle VALUES ('a', 'old seed', 'ready'), ('b', 'old seed', 'spent');
  `);
  old.close();
  const store = new SqliteBundleStore(folder, CIPHER, LIMITS);
  assert.equal(store.dropped, 1, 'as many as were ready');
  await readyBundle(store);
  await store.sweep();
  assert.equal(readFileSync(join(folder, FILE)).includes('old seed'), false);
  await store.close();
});

test('what identities have used survives a new layout of the file', async () => {
  const folder = temporaryFolder();
  const old = new DatabaseSync(join(folder, FILE));
  old.exec(`
    CREATE TABLE usage (identity TEXT PRIMARY KEY, hour_began INTEGER NOT NULL, in_hour INTEGER NOT NULL,
      total INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO usage VALUES ('alice', 0, 7, 7);
    PRAGMA user_version = 2;
  `);
  old.close();
  const store = new SqliteBundleStore(folder, CIPHER, { ...LIMITS, inferencesTotal: 8 });
  await store.spend(claimOf((await readyBundle(store)).id));
  await store.sweep();
  await assert.rejects(store.create(newBundle()), { code: 'quota/exceeded' });
  await store.close();
});

test('a seed whose spending could not be made durable is not handed out', async () => {
  const folder = temporaryFolder();
  const store = new SqliteBundleStore(folder, CIPHER, LIMITS);
  const { id } = await readyBundle(store);
  const saboteur = new DatabaseSync(join(folder, FILE));
  saboteur.exec(
    `CREATE TRIGGER broken BEFORE UPDATE ON bundle BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END`,
  );
  await assert.rejects(store.spend(claimOf(id)), { code: 'storage/failed' });
  saboteur.exec('DROP TRIGGER broken');
  saboteur.close();
  assert.ok(await store.spend(claimOf(id)), 'the store works again');
  await store.close();
});

test('a folder or file that cannot be used is reported as a storage failure', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), 'in the way');
  assert.throws(() => new SqliteBundleStore(join(folder, 'file'), CIPHER, LIMITS), {
    code: 'storage/failed',
  });
  writeFileSync(join(folder, FILE), 'this is no database, whatever its name says'.repeat(100));
  assert.throws(() => new SqliteBundleStore(folder, CIPHER, LIMITS), { code: 'storage/failed' });
});
