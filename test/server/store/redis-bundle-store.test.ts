/** What Redis can do to a store: settings that forget, crashes, silence, other servers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';
import { SphynxError } from '../../../errors/sphynx-error.ts';
import type { BundleStore, NewBundle } from '../../../server/store/bundle-store.ts';
import { RedisBundleStore } from '../../../server/store/redis-bundle-store.ts';
import { FaultyLink } from '../../support/faulty-link.ts';
import { DURABLE } from '../../support/redis-server.ts';
import { claimOf, newBundle, readyBundle } from '../bundles.ts';
import { NO_REDIS, redisServer } from '../redis-server.ts';
import { CIPHER, LIMITS } from './store-place.ts';

const options = { skip: NO_REDIS };
const [redis, forgetful] = NO_REDIS
  ? []
  : await Promise.all([redisServer(), redisServer(['--appendonly', 'yes'])]);

const open = (url: string, leaseMs?: number): Promise<BundleStore> =>
  RedisBundleStore.open({ url }, CIPHER, LIMITS, { leaseMs });

/** Until `step` succeeds: Redis is coming back. */
async function eventually<Result>(step: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; ; tries++)
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof SphynxError) || error.code !== 'storage/failed' || tries === 100) throw error;
      await delay(50);
    }
}

test(
  'a Redis that could forget what it confirms is refused, with the setting to change',
  options,
  async () => {
    await assert.rejects(open(forgetful!.url), { code: 'config/invalid', message: /appendfsync .*always/ });
    const admin = await createClient({ url: forgetful!.url }).connect();
    await admin.configSet({ appendfsync: 'always', appendonly: 'no' });
    await assert.rejects(open(forgetful!.url), { code: 'config/invalid', message: /appendonly .*yes/ });
    await admin.configSet({ appendonly: 'yes', 'no-appendfsync-on-rewrite': 'yes' });
    await assert.rejects(open(forgetful!.url), { code: 'config/invalid', message: /on-rewrite .*be no/ });
    await admin.configSet({ 'no-appendfsync-on-rewrite': 'no', 'maxmemory-policy': 'allkeys-lru' });
    await assert.rejects(open(forgetful!.url), { code: 'config/invalid', message: /noeviction/ });
    await admin.configSet({ 'maxmemory-policy': 'noeviction' });
    await (await open(forgetful!.url)).close();
    admin.destroy();
  },
);

test(
  'a Redis with replicas may forget everything in a restart, but not return to an older state',
  options,
  async () => {
    const primary = await redisServer(['--appendonly', 'no']);
    const confirmed = () => RedisBundleStore.open({ url: primary.url, replicas: 1 }, CIPHER, LIMITS);
    await (await confirmed()).close();
    const admin = await createClient({ url: primary.url }).connect();
    await admin.configSet({ save: '3600 1' });
    await assert.rejects(confirmed(), {
      code: 'config/invalid',
      message: /appendonly is no and must be yes/,
    });
    await admin.configSet({ appendonly: 'yes' });
    await assert.rejects(confirmed(), { code: 'config/invalid', message: /appendfsync is everysec/ });
    await admin.configSet({ appendfsync: 'always' });
    await (await confirmed()).close();
    admin.destroy();
  },
);

test('a spending that too few replicas confirm gives no seed, and stays spent', options, async () => {
  const { id } = await (async () => {
    const store = await open(redis!.url);
    return readyBundle(store).finally(() => store.close());
  })();
  const store = await RedisBundleStore.open({ url: redis!.url, replicas: 1 }, CIPHER, LIMITS);
  await assert.rejects(store.spend(claimOf(id)), { code: 'storage/failed', message: /replicas/ });
  await assert.rejects(store.spend(claimOf(id)), { code: 'bundle/spent' });
  await store.close();
});

test(
  'what a replica has confirmed is spent there too, when it takes over from a Redis that died',
  options,
  async () => {
    const primary = await redisServer([...DURABLE, '--repl-diskless-sync-delay', '0']);
    const replica = await redisServer([...DURABLE, '--replicaof', '127.0.0.1', String(primary.port)]);
    const heir = await createClient({ url: replica.url }).connect();
    while (!/master_link_status:up/.test(await heir.info('replication'))) await delay(20);
    const store = await RedisBundleStore.open({ url: primary.url, replicas: 1 }, CIPHER, LIMITS);
    const [spent, ready] = [await readyBundle(store), await readyBundle(store)];
    assert.deepEqual(await store.spend(claimOf(spent.id)), spent.secrets);
    const record = await heir.hGetAll(`{sphynx}:bundle:${spent.id}`);
    assert.equal(record.state, 'spending');
    assert.ok(!('secrets' in record));
    replica.signal('SIGSTOP');
    const unconfirmed = await readyBundle(store);
    await assert.rejects(store.spend(claimOf(unconfirmed.id)), { code: 'storage/failed', message: /0 of 1/ });
    replica.signal('SIGCONT');
    await primary.kill();
    await store.close();
    await heir.sendCommand(['REPLICAOF', 'NO', 'ONE']);
    const after = await open(replica.url);
    await assert.rejects(after.spend(claimOf(spent.id)), { code: 'bundle/spent' });
    assert.deepEqual(await after.spend(claimOf(ready.id)), ready.secrets);
    await after.close();
    heir.destroy();
  },
);

test('no Redis and no address of one are told apart', options, async () => {
  await assert.rejects(open('redis://127.0.0.1:1'), { code: 'storage/failed', message: /ECONNREFUSED/ });
  await assert.rejects(open('http://user:secret@127.0.0.1'), (error: SphynxError) => {
    assert.ok(!String(error.stack).includes('secret') && error.cause === undefined);
    return error.code === 'config/invalid';
  });
});

test('a spending whose answer is lost burns the bundle, done or not', options, async () => {
  const link = await FaultyLink.to(redis!.port);
  const store = await open(`redis://${link.address}`);
  const other = await open(redis!.url);
  const [lost, unsent] = [await readyBundle(store), await readyBundle(store)];
  link.cutAfter(0);
  await assert.rejects(store.spend(claimOf(lost.id)), { code: 'storage/failed' });
  await assert.rejects(store.spend(claimOf(lost.id)), { code: 'bundle/spent' }, 'never tried again');
  await assert.rejects(other.spend(claimOf(lost.id)), { code: 'bundle/spent' }, 'Redis had done it');
  await eventually(() => store.sweep());
  assert.deepEqual(await eventually(() => store.spend(claimOf(unsent.id))), unsent.secrets);
  await Promise.all([store.close(), other.close()]);
  link.close();
});

test(
  'a Redis that falls silent fails the spending in time, and the bundle is burned when it is back',
  options,
  async () => {
    const link = await FaultyLink.to(redis!.port);
    const store = await open(`redis://${link.address}`);
    const other = await open(redis!.url);
    const { id } = await readyBundle(store);
    redis!.signal('SIGSTOP');
    const spending = assert.rejects(store.spend(claimOf(id)), { code: 'storage/failed' });
    await delay(50);
    // Whether Redis has read the command cannot be seen from here.
    link.cut();
    await spending;
    redis!.signal('SIGCONT');
    await eventually(() => store.sweep());
    await assert.rejects(other.spend(claimOf(id)), { code: 'bundle/spent' });
    await Promise.all([store.close(), other.close()]);
    link.close();
  },
);

test('kill -9 of Redis loses no ready bundle and brings no spent one back', options, async () => {
  const store = await open(redis!.url);
  const bundles = [];
  for (let i = 0; i < 20; i++) bundles.push(await readyBundle(store));
  const spent = new Set<string>();
  const spend = ({ id }: NewBundle) =>
    store.spend(claimOf(id)).then(
      () => spent.add(id),
      () => {},
    );
  for (const bundle of bundles.slice(0, 5)) await spend(bundle);
  // Some of these are done before the crash, some are not, and of some nobody knows.
  const load = bundles.slice(5, 15).map(spend);
  await Promise.race(load);
  await redis!.kill();
  await Promise.all(load);
  assert.ok(spent.size >= 5);
  await redis!.restart();
  await eventually(() => store.sweep());
  for (const { id } of bundles.filter(({ id }) => spent.has(id)))
    await assert.rejects(store.spend(claimOf(id)), { code: 'bundle/spent' });
  for (const { id, secrets } of bundles.slice(15)) assert.deepEqual(await store.spend(claimOf(id)), secrets);
  await store.close();
});

test(
  'servers leave what living ones prepare and spend alone, and burn what dead ones left',
  options,
  async () => {
    const first = await open(`${redis!.url}/1`, 9000);
    const preparing = newBundle();
    await first.create(preparing);
    const spending = await readyBundle(first);
    await first.spend(claimOf(spending.id));
    const admin = await createClient({ url: `${redis!.url}/1` }).connect();
    const [lease] = await admin.keys('{sphynx}:server:*');
    for (let last = await admin.pTTL(lease), left = last; left <= last; left = await admin.pTTL(lease)) {
      last = left;
      await delay(20);
    }
    admin.destroy();
    const second = await open(`${redis!.url}/1`);
    assert.equal(await second.burnLeftovers(), 0, 'the lease was renewed');
    await first.markReady(preparing.id);
    await first.close();
    assert.equal(await second.burnLeftovers(), 1, 'of the one in spending');
    assert.deepEqual(await second.spend(claimOf(preparing.id)), preparing.secrets);
    await second.close();
  },
);

test("a server whose clock is wrong neither expires nor extends anybody's bundles, nor lengthens an hour", {
  ...options,
}, async (t) => {
  const limits = { ...LIMITS, inferencesPerHour: 2 };
  const right = await RedisBundleStore.open({ url: `${redis!.url}/2` }, CIPHER, limits);
  const { now } = Date;
  for (const shift of [-40, 40].map((days) => days * 86_400_000)) {
    const client = `alice ${shift}`;
    const bundles = [await readyBundle(right, { client }), await readyBundle(right, { client })];
    const clock = t.mock.method(Date, 'now', () => now() + shift);
    const wrong = await RedisBundleStore.open({ url: `${redis!.url}/2` }, CIPHER, limits);
    assert.equal(await wrong.sweep(), 0);
    assert.ok(await wrong.spend(claimOf(bundles[0].id, { client })));
    const own = newBundle({ client, lifetimeMs: 60_000 });
    const before = now();
    const expiresAt = await wrong.create(own);
    assert.ok(expiresAt >= before + 60_000 && expiresAt <= now() + 60_000, 'the clock of Redis counts');
    await wrong.markReady(own.id);
    clock.mock.restore();
    assert.equal(await right.sweep(), 0);
    assert.ok(await right.spend(claimOf(own.id, { client })));
    const over = claimOf(bundles[1].id, { client });
    for (const store of [right, wrong])
      await assert.rejects(store.spend(over), (error: SphynxError) => {
        assert.equal(error.code, 'quota/exceeded');
        return error.retryAfterMs! > 0 && error.retryAfterMs! <= 3_600_000;
      });
    await wrong.close();
  }
  await right.close();
});

test('no secret is in the files of Redis in the clear', options, async () => {
  const store = await open(redis!.url);
  const { secrets, id } = await readyBundle(store);
  const admin = await createClient({ url: redis!.url }).connect();
  const folder = (await admin.configGet('dir')).dir;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const log = Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
  assert.ok(log.includes(id));
  for (const form of ['latin1', 'hex', 'base64'] as const)
    for (const secret of [secrets.seed, secrets.delta!])
      assert.equal(log.includes(Buffer.from(secret).toString(form), 'latin1'), false);
  await store.spend(claimOf(id));
  assert.equal(await admin.hExists(`{sphynx}:bundle:${id}`, 'secrets'), 0);
  admin.destroy();
  await store.close();
});

test(
  'a record of an older format is refused, with what to do, and burns when its client gives it up',
  options,
  async () => {
    const store = await open(redis!.url);
    const { id } = await readyBundle(store, { client: 'old client' });
    const admin = await createClient({ url: redis!.url }).connect();
    await admin.hDel(`{sphynx}:bundle:${id}`, 'format');
    const claim = claimOf(id, { client: 'old client' });
    await assert.rejects(store.spend(claim), { code: 'bundle/unknown', message: /prepare a new one/ });
    assert.equal(await store.discard('old client', [id]), 1);
    await assert.rejects(store.spend(claim), { code: 'bundle/spent' });
    admin.destroy();
    await store.close();
  },
);
