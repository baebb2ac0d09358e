/** What every bundle store keeps to, whatever it is made of. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { SphynxError } from '../../../errors/sphynx-error.ts';
import type { BundleClaim, BundleStore } from '../../../server/store/bundle-store.ts';
import { RecordCipher, storeKey } from '../../../server/store/record-cipher.ts';
import { firstMessage } from '../../support/first-message.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { claimOf, MODEL, newBundle, readyBundle } from '../bundles.ts';
import { NO_REDIS, redisServer } from '../redis-server.ts';
import { editRecord, openPlace, type Place, type StoreSettings, sealedIn } from './store-place.ts';

const redis = NO_REDIS ? undefined : await redisServer();
let databases = 0;

const STORES: { name: string; skip: string | false; newPlace: () => Place }[] = [
  { name: 'SQLite', skip: false, newPlace: () => ({ folder: temporaryFolder() }) },
  { name: 'Redis', skip: NO_REDIS, newPlace: () => ({ url: `${redis?.url}/${databases++}` }) },
];

async function spendingProcess(place: Place): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'spending-process.ts'), [JSON.stringify(place)]);
  await firstMessage(child);
  return child;
}

for (const { name, skip, newPlace } of STORES) {
  const withStore = (
    sentence: string,
    settings: StoreSettings,
    body: (store: BundleStore, place: Place) => Promise<void>,
  ) =>
    test(`${name}: ${sentence}`, { skip }, async () => {
      const place = newPlace();
      const store = await openPlace(place, settings);
      try {
        await body(store, place);
      } finally {
        await store.close();
      }
    });

  withStore('a ready bundle gives its secrets once, and never again', {}, async (store) => {
    const { id, secrets } = await readyBundle(store);
    assert.deepEqual(await store.spend(claimOf(id)), secrets);
    await assert.rejects(store.spend(claimOf(id)), { code: 'bundle/spent' });
    await store.markSpent(id);
    await assert.rejects(store.spend(claimOf(id)), { code: 'bundle/spent' });
  });

  withStore('records are counted by state', {}, async (store) => {
    assert.deepEqual(await store.counts(), { preparing: 0, ready: 0, spending: 0, spent: 0 });
    const bundles = [await readyBundle(store), await readyBundle(store), await readyBundle(store)];
    await store.create(newBundle());
    for (const { id } of bundles.slice(0, 2)) await store.spend(claimOf(id));
    await store.markSpent(bundles[0].id);
    assert.deepEqual(await store.counts(), { preparing: 1, ready: 1, spending: 1, spent: 1 });
  });

  withStore(
    'nobody can spend what is unknown, not yet ready, for another model or of another client',
    {},
    async (store) => {
      const { id } = await readyBundle(store);
      const preparing = newBundle();
      await store.create(preparing);
      const refusals: [Partial<BundleClaim>, string][] = [
        [{ id: 'f'.repeat(32) }, 'bundle/unknown'],
        [{ id: preparing.id }, 'bundle/unknown'],
        [{ client: 'mallory' }, 'bundle/unknown'],
        [{ model: { ...MODEL, hash: 'c'.repeat(64) } }, 'model/mismatch'],
        [{ model: { ...MODEL, planHash: 'c'.repeat(64) } }, 'model/mismatch'],
        [{ model: { ...MODEL, name: 'other' } }, 'model/mismatch'],
      ];
      for (const [change, code] of refusals) await assert.rejects(store.spend(claimOf(id, change)), { code });
      assert.ok(await store.spend(claimOf(id)), 'none of that used the bundle up');
    },
  );

  withStore('secrets without a Delta come back without one', {}, async (store) => {
    const secrets = { seed: new Uint8Array(32).fill(9), delta: null };
    const { id } = await readyBundle(store, { secrets });
    assert.deepEqual(await store.spend(claimOf(id)), secrets);
  });

  const elsewhere: [string, Record<string, string>, Partial<BundleClaim>][] = [
    ['another client', { client: 'mallory' }, { client: 'mallory', identity: 'alice' }],
    ['another identity', { identity: 'mallory' }, { identity: 'mallory' }],
    ['another model', { model: 'other' }, { model: { ...MODEL, name: 'other' } }],
    ['other weights', { model_hash: 'c'.repeat(64) }, { model: { ...MODEL, hash: 'c'.repeat(64) } }],
    ['another plan', { plan_hash: 'c'.repeat(64) }, { model: { ...MODEL, planHash: 'c'.repeat(64) } }],
  ];
  for (const [whose, fields, changes] of elsewhere)
    withStore(`a record that was moved to ${whose} does not open`, {}, async (store, place) => {
      const { id } = await readyBundle(store);
      await editRecord(place, id, fields);
      await assert.rejects(store.spend(claimOf(id, changes)), { code: 'storage/failed', message: /moved/ });
    });

  withStore('sealed secrets that were copied into another record do not open', {}, async (store, place) => {
    const [first, second] = [await readyBundle(store), await readyBundle(store)];
    await editRecord(place, second.id, { secrets: await sealedIn(place, first.id) });
    await assert.rejects(store.spend(claimOf(second.id)), { code: 'storage/failed', message: /moved/ });
  });

  let now = 0;
  withStore(
    'a bundle can be spent until it expires and not from then on',
    { now: () => now },
    async (store) => {
      now = 1000;
      const first = await readyBundle(store, { lifetimeMs: 1000 });
      const second = await readyBundle(store, { lifetimeMs: 1000 });
      const late = newBundle({ lifetimeMs: 1000 });
      assert.equal(await store.create(late), 2000);
      now = 1999;
      await store.spend(claimOf(first.id));
      now = 2000;
      await assert.rejects(store.spend(claimOf(second.id)), { code: 'bundle/expired' });
      await assert.rejects(store.markReady(late.id), { code: 'bundle/unknown' });
      assert.equal(await store.sweep(), 3);
      await assert.rejects(store.spend(claimOf(second.id)), { code: 'bundle/unknown' });
    },
  );

  withStore(
    'an identity cannot hold more unspent bundles than it may, on all its devices; others are not counted',
    { bundlesPerClient: 2 },
    async (store) => {
      const first = await readyBundle(store);
      await store.create(newBundle({ client: 'phone', identity: 'alice' }));
      await assert.rejects(store.create(newBundle()), { code: 'server/busy' });
      await store.create(newBundle({ client: 'bob' }));
      await store.spend(claimOf(first.id));
      await store.create(newBundle());
    },
  );

  withStore(
    'an abandoned preparation cannot become ready and counts no more, and a ready bundle cannot be abandoned',
    { bundlesPerClient: 1 },
    async (store) => {
      const bundle = newBundle();
      await store.create(bundle);
      await store.abandon(bundle.id);
      await assert.rejects(store.markReady(bundle.id), { code: 'bundle/unknown' });
      const ready = await readyBundle(store);
      await store.abandon(ready.id);
      assert.ok(await store.spend(claimOf(ready.id)));
    },
  );

  withStore(
    'a client discards its own unspent bundles, which then count no more, and nobody else’s',
    { bundlesPerClient: 2 },
    async (store) => {
      const mine = await readyBundle(store);
      const preparing = newBundle();
      await store.create(preparing);
      const theirs = await readyBundle(store, { client: 'bob' });
      assert.equal(await store.discard('alice', [mine.id, preparing.id, theirs.id, 'f'.repeat(32)]), 2);
      assert.equal(await store.discard('alice', [mine.id, preparing.id]), 0);
      await assert.rejects(store.spend(claimOf(mine.id)), { code: 'bundle/spent' });
      await assert.rejects(store.markReady(preparing.id), { code: 'bundle/unknown' });
      await readyBundle(store);
      await readyBundle(store);
      const { id, secrets } = theirs;
      assert.deepEqual(await store.spend(claimOf(id, { client: 'bob' })), secrets);
    },
  );

  withStore(
    'an identity runs a limited number of inferences in an hour, and is told how long to wait',
    { now: () => now, inferencesPerHour: 2 },
    async (store) => {
      now = 1_000_000;
      const day = { lifetimeMs: 86_400_000 };
      const bundles = [];
      for (let i = 0; i < 4; i++) bundles.push(await readyBundle(store, day));
      await store.spend(claimOf(bundles[0].id));
      now += 30 * 60_000;
      await store.spend(claimOf(bundles[1].id, { client: 'alice' }));
      const refused = {
        code: 'quota/exceeded',
        message: /try again in 30 min/,
        retryAfterMs: 30 * 60_000,
      };
      await assert.rejects(store.spend(claimOf(bundles[2].id)), refused);
      const other = await readyBundle(store, { client: 'bob', ...day });
      assert.ok(await store.spend(claimOf(other.id, { client: 'bob' })), 'others are not counted');
      now += 30 * 60_000;
      assert.ok(await store.spend(claimOf(bundles[2].id)), 'the refusal did not use the bundle up');
      assert.ok(await store.spend(claimOf(bundles[3].id)));
    },
  );

  withStore(
    'an identity runs a limited number of inferences in all, across its devices and restarts',
    { inferencesTotal: 2 },
    async (store, place) => {
      const first = await readyBundle(store);
      const phone = await readyBundle(store, { client: 'phone', identity: 'alice' });
      const third = await readyBundle(store);
      await store.spend(claimOf(first.id));
      await store.spend(claimOf(phone.id, { client: 'phone', identity: 'alice' }));
      const refused = { code: 'quota/exceeded', retryAfterMs: undefined };
      await assert.rejects(store.spend(claimOf(third.id)), refused);
      const again = await openPlace(place, { inferencesTotal: 2 });
      await assert.rejects(again.spend(claimOf(third.id)), { code: 'quota/exceeded' });
      await again.close();
      const generous = await openPlace(place, { inferencesTotal: 3 });
      assert.ok(await generous.spend(claimOf(third.id)));
      await generous.close();
    },
  );

  withStore(
    'what a proved identity has used is never forgotten; that of an anonymous one is, with its last bundle',
    { now: () => now, inferencesTotal: 1 },
    async (store) => {
      const lifetimeMs = 2 * 3_600_000;
      for (const anonymous of [false, true]) {
        now = 1_000_000;
        const caller = { client: anonymous ? 'stranger' : 'alice', anonymous };
        const { id } = await readyBundle(store, { ...caller, lifetimeMs });
        await store.spend(claimOf(id, caller));
        now += lifetimeMs - 1;
        await store.sweep();
        await assert.rejects(store.create(newBundle(caller)), { code: 'quota/exceeded' });
        now += 1;
        await store.sweep();
        const later = store.create(newBundle(caller));
        if (anonymous) assert.ok(await later);
        else await assert.rejects(later, { code: 'quota/exceeded' });
      }
    },
  );

  withStore(
    'a preparation counts when it begins, whether it is finished, abandoned or discarded',
    { now: () => now, preparationsPerHour: 3 },
    async (store) => {
      now = 1_000_000;
      const [abandoned, discarded] = [newBundle(), newBundle({ client: 'phone', identity: 'alice' })];
      await store.create(abandoned);
      await store.abandon(abandoned.id);
      await store.create(discarded);
      await store.discard('phone', [discarded.id]);
      await readyBundle(store, { lifetimeMs: 86_400_000 });
      now += 15 * 60_000;
      const refused = { code: 'quota/exceeded', message: /45 min/, retryAfterMs: 45 * 60_000 };
      await assert.rejects(store.create(newBundle()), refused);
      await readyBundle(store, { client: 'bob' });
      now += 45 * 60_000;
      await readyBundle(store);
    },
  );

  withStore(
    'nothing is prepared for an identity that may run no inference, and it is told how long to wait',
    { now: () => now, inferencesPerHour: 1 },
    async (store) => {
      now = 1_000_000;
      const { id } = await readyBundle(store);
      await store.spend(claimOf(id));
      now += 59 * 60_000;
      const refused = { code: 'quota/exceeded', message: /inferences .*1 min/, retryAfterMs: 60_000 };
      await assert.rejects(store.create(newBundle()), refused);
      now += 60_000;
      await store.create(newBundle());
    },
  );

  withStore(
    'an identity begins a limited number of preparations in all, across restarts',
    { preparationsTotal: 2 },
    async (store, place) => {
      await store.create(newBundle());
      const { id } = await readyBundle(store);
      const again = await openPlace(place, { preparationsTotal: 2 });
      await assert.rejects(again.create(newBundle()), { code: 'quota/exceeded', retryAfterMs: undefined });
      assert.ok(await again.spend(claimOf(id)), 'bundles that are ready can be used');
      await assert.rejects(again.create(newBundle()), { code: 'quota/exceeded' });
      await again.close();
    },
  );

  withStore(
    'preparations that begin at once do not get past the quota',
    { preparationsPerHour: 3 },
    async (store) => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => store.create(newBundle())));
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
    },
  );

  withStore('inferences at once do not get past the quota', { inferencesPerHour: 3 }, async (store) => {
    const bundles = await Promise.all(Array.from({ length: 8 }, () => readyBundle(store)));
    const outcomes = await Promise.allSettled(bundles.map(({ id }) => store.spend(claimOf(id))));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
  });

  withStore(
    'one of many processes that race for a bundle gets it, for every bundle',
    {},
    async (store, place) => {
      const racers = await Promise.all(Array.from({ length: 3 }, () => spendingProcess(place)));
      for (let round = 0; round < 10; round++) {
        const { id, secrets } = await readyBundle(store);
        const answers = racers.map(async (racer) => {
          racer.send(id);
          return firstMessage<{ seed?: string; code?: string }>(racer);
        });
        const own = store.spend(claimOf(id)).then(
          (won) => ({ seed: Buffer.from(won.seed).toString('hex'), code: undefined }),
          (error: SphynxError) => ({ seed: undefined, code: error.code }),
        );
        const outcomes = await Promise.all([own, ...answers]);
        assert.deepEqual(
          outcomes.flatMap((outcome) => outcome.seed ?? []),
          [Buffer.from(secrets.seed).toString('hex')],
        );
        assert.deepEqual(
          outcomes.flatMap((outcome) => outcome.code ?? []),
          ['bundle/spent', 'bundle/spent', 'bundle/spent'],
        );
      }
      for (const racer of racers) racer.disconnect();
    },
  );

  test(`${name}: a process killed while it spends a bundle has burned it`, { skip }, async () => {
    const place = newPlace();
    const before = await openPlace(place);
    const { id } = await readyBundle(before);
    await before.close();
    const child = await spendingProcess(place);
    child.send(id);
    const answer = await firstMessage<{ seed?: string }>(child);
    assert.ok(answer.seed);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const after = await openPlace(place);
    await assert.rejects(after.spend(claimOf(id)), { code: 'bundle/spent' });
    let burned = 0;
    for (let wait = 0; wait < 40 && burned === 0; wait++) {
      burned = await after.burnLeftovers();
      await delay(25);
    }
    assert.equal(burned, 1);
    await assert.rejects(after.spend(claimOf(id)), { code: 'bundle/spent' });
    await after.close();
  });

  test(`${name}: a restart burns what was being prepared and keeps what was ready`, { skip }, async () => {
    const place = newPlace();
    const before = await openPlace(place);
    const unfinished = newBundle();
    await before.create(unfinished);
    const ready = await readyBundle(before);
    await before.close();
    const after = await openPlace(place);
    assert.equal(await after.burnLeftovers(), 1);
    await assert.rejects(after.markReady(unfinished.id), { code: 'bundle/unknown' });
    assert.deepEqual(await after.spend(claimOf(ready.id)), ready.secrets);
    await after.close();
  });

  test(`${name}: a new store key seals, the old one still opens, and without it nothing is burned`, {
    skip,
  }, async () => {
    const place = newPlace();
    const [old, fresh] = [storeKey(Buffer.alloc(32, 1)), storeKey(Buffer.alloc(32, 2))];
    const sessions = async (keys: RecordCipher, work: (store: BundleStore) => Promise<unknown>) => {
      const store = await openPlace(place, { cipher: keys });
      await work(store).finally(() => store.close());
    };
    let first = newBundle();
    let second = newBundle();
    await sessions(new RecordCipher([old]), async (store) => {
      first = await readyBundle(store);
    });
    await sessions(new RecordCipher([fresh]), (store) =>
      assert.rejects(store.spend(claimOf(first.id)), { code: 'storage/failed', message: new RegExp(old.id) }),
    );
    await sessions(new RecordCipher([fresh, old]), async (store) => {
      assert.deepEqual(await store.spend(claimOf(first.id)), first.secrets);
      second = await readyBundle(store);
    });
    await sessions(new RecordCipher([fresh]), async (store) =>
      assert.deepEqual(await store.spend(claimOf(second.id)), second.secrets),
    );
  });
}
