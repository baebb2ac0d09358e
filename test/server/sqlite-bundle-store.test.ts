import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { SqliteBundleStore } from '../../server/sqlite-bundle-store.ts';
import { MODEL, newBundle, readyBundle, temporaryFolder } from './bundles.ts';

const LIMITS = { bundlesPerClient: 100 };
const FILE = 'bundles.sqlite';

async function spendingProcess(folder: string): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'spending-process.ts'), [folder]);
  await once(child, 'message');
  return child;
}

test('a ready bundle gives its seed once, and never again', async () => {
  const store = new SqliteBundleStore(temporaryFolder(), LIMITS);
  const { id, seed } = await readyBundle(store);
  const claim = { id, client: 'alice', model: MODEL };
  assert.deepEqual(Buffer.from(await store.spend(claim)), seed);
  await assert.rejects(store.spend(claim), { code: 'bundle/spent' });
  await store.markSpent(id);
  await assert.rejects(store.spend(claim), { code: 'bundle/spent' });
  await store.close();
});

test('nobody can spend what is unknown, not yet ready, for another model or of another client', async () => {
  const store = new SqliteBundleStore(temporaryFolder(), LIMITS);
  const { id } = await readyBundle(store);
  const preparing = newBundle();
  await store.create(preparing);
  const refusals: [Partial<Parameters<typeof store.spend>[0]>, string][] = [
    [{ id: 'f'.repeat(32) }, 'bundle/unknown'],
    [{ id: preparing.id }, 'bundle/unknown'],
    [{ client: 'mallory' }, 'bundle/unknown'],
    [{ model: { ...MODEL, hash: 'c'.repeat(64) } }, 'model/mismatch'],
    [{ model: { ...MODEL, planHash: 'c'.repeat(64) } }, 'model/mismatch'],
    [{ model: { ...MODEL, name: 'other' } }, 'model/mismatch'],
  ];
  for (const [change, code] of refusals)
    await assert.rejects(store.spend({ id, client: 'alice', model: MODEL, ...change }), { code });
  assert.ok(await store.spend({ id, client: 'alice', model: MODEL }), 'none of that used the bundle up');
  await store.close();
});

test('a bundle can be spent until it expires and not from then on', async () => {
  let now = 1000;
  const store = new SqliteBundleStore(temporaryFolder(), { ...LIMITS, now: () => now });
  const first = await readyBundle(store, { expiresAt: 2000 });
  const second = await readyBundle(store, { expiresAt: 2000 });
  now = 1999;
  await store.spend({ id: first.id, client: 'alice', model: MODEL });
  now = 2000;
  await assert.rejects(store.spend({ id: second.id, client: 'alice', model: MODEL }), {
    code: 'bundle/expired',
  });
  assert.equal(await store.sweep(), 2);
  await assert.rejects(store.spend({ id: second.id, client: 'alice', model: MODEL }), {
    code: 'bundle/unknown',
  });
  await store.close();
});

test('a client cannot hold more unspent bundles than it may, others not being counted', async () => {
  const store = new SqliteBundleStore(temporaryFolder(), { bundlesPerClient: 2 });
  const first = await readyBundle(store);
  await store.create(newBundle());
  await assert.rejects(store.create(newBundle()), { code: 'server/busy' });
  await store.create(newBundle({ client: 'bob' }));
  await store.spend({ id: first.id, client: 'alice', model: MODEL });
  await store.create(newBundle());
  await store.close();
});

test('an abandoned preparation cannot become ready, and a ready bundle cannot be abandoned', async () => {
  const store = new SqliteBundleStore(temporaryFolder(), LIMITS);
  const bundle = newBundle();
  await store.create(bundle);
  await store.abandon(bundle.id);
  await assert.rejects(store.markReady(bundle.id), { code: 'bundle/unknown' });
  const ready = await readyBundle(store);
  await store.abandon(ready.id);
  assert.ok(await store.spend({ id: ready.id, client: 'alice', model: MODEL }));
  await store.close();
});

test('one of many processes that race for a bundle gets it, for every bundle', async () => {
  const folder = temporaryFolder();
  const store = new SqliteBundleStore(folder, LIMITS);
  const racers = await Promise.all(Array.from({ length: 3 }, () => spendingProcess(folder)));
  for (let round = 0; round < 10; round++) {
    const { id, seed } = await readyBundle(store);
    const answers = racers.map(async (racer) => {
      racer.send(id);
      return (await once(racer, 'message'))[0] as { seed?: string; code?: string };
    });
    const own = store.spend({ id, client: 'alice', model: MODEL }).then(
      (won) => ({ seed: Buffer.from(won).toString('hex'), code: undefined }),
      (error: SphynxError) => ({ seed: undefined, code: error.code }),
    );
    const outcomes = await Promise.all([own, ...answers]);
    assert.deepEqual(
      outcomes.filter((outcome) => outcome.seed).map((outcome) => outcome.seed),
      [Buffer.from(seed).toString('hex')],
    );
    assert.deepEqual(
      outcomes.filter((outcome) => outcome.code).map((outcome) => outcome.code),
      ['bundle/spent', 'bundle/spent', 'bundle/spent'],
    );
  }
  for (const racer of racers) racer.disconnect();
  await store.close();
});

test('a process killed while it spends a bundle has burned it', async () => {
  const folder = temporaryFolder();
  const before = new SqliteBundleStore(folder, LIMITS);
  const { id } = await readyBundle(before);
  await before.close();
  const child = await spendingProcess(folder);
  child.send(id);
  const [answer] = await once(child, 'message');
  assert.ok(answer.seed);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const after = new SqliteBundleStore(folder, LIMITS);
  await assert.rejects(after.spend({ id, client: 'alice', model: MODEL }), { code: 'bundle/spent' });
  assert.equal(await after.burnLeftovers(), 1);
  await assert.rejects(after.spend({ id, client: 'alice', model: MODEL }), { code: 'bundle/spent' });
  await after.close();
});

test('a restart burns what was being prepared and keeps what was ready', async () => {
  const folder = temporaryFolder();
  const before = new SqliteBundleStore(folder, LIMITS);
  const unfinished = newBundle();
  await before.create(unfinished);
  const ready = await readyBundle(before);
  await before.close();
  const after = new SqliteBundleStore(folder, LIMITS);
  assert.equal(await after.burnLeftovers(), 1);
  await assert.rejects(after.markReady(unfinished.id), { code: 'bundle/unknown' });
  assert.deepEqual(
    Buffer.from(await after.spend({ id: ready.id, client: 'alice', model: MODEL })),
    ready.seed,
  );
  await after.close();
});

test('the seed is on disk while it is needed, nowhere in the folder once it is spent and swept, and only for the owner', async () => {
  const folder = temporaryFolder();
  const store = new SqliteBundleStore(folder, LIMITS);
  const { id, seed } = await readyBundle(store);
  const holds = () =>
    readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(Buffer.from(seed)));
  assert.equal(holds(), true);
  for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  await store.spend({ id, client: 'alice', model: MODEL });
  await store.sweep();
  assert.equal(holds(), false);
  await store.close();
});

test('a seed whose spending could not be made durable is not handed out', async () => {
  const folder = temporaryFolder();
  const store = new SqliteBundleStore(folder, LIMITS);
  const { id } = await readyBundle(store);
  const saboteur = new DatabaseSync(join(folder, FILE));
  saboteur.exec(
    `CREATE TRIGGER broken BEFORE UPDATE ON bundle BEGIN SELECT RAISE(FAIL, 'disk I/O error'); END`,
  );
  await assert.rejects(store.spend({ id, client: 'alice', model: MODEL }), { code: 'storage/failed' });
  saboteur.exec('DROP TRIGGER broken');
  saboteur.close();
  assert.ok(await store.spend({ id, client: 'alice', model: MODEL }), 'the store works again');
  await store.close();
});

test('a folder or file that cannot be used is reported as a storage failure', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), 'in the way');
  assert.throws(() => new SqliteBundleStore(join(folder, 'file'), LIMITS), { code: 'storage/failed' });
  writeFileSync(join(folder, FILE), 'this is no database, whatever its name says'.repeat(100));
  assert.throws(() => new SqliteBundleStore(folder, LIMITS), { code: 'storage/failed' });
});
