import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget } from '../../../server/admission/byte-budget.ts';
import { randomImage } from '../../support/card-image.ts';
import { network, runningServer } from '../../support/running-server.ts';

const HOUR = 3_600_000;

test('an identity moves a limited number of bytes in its hour, and is told when that is over', () => {
  let now = 5;
  const budget = new ByteBudget({ bytesPerHour: 100 }, () => now);
  budget.charge('alice', 60)(60);
  now += 1000;
  assert.throws(() => budget.charge('alice', 41), { code: 'quota/exceeded', retryAfterMs: HOUR - 1000 });
  budget.charge('bob', 100);
  budget.charge('alice', 40);
  now += HOUR - 1001;
  assert.throws(() => budget.charge('alice', 1), { retryAfterMs: 1 });
  now += 1;
  budget.charge('alice', 100);
});

test('bytes about to be moved count in full until the moved bytes are known', () => {
  const budget = new ByteBudget({ bytesPerHour: 100 }, () => 0);
  const settle = budget.charge('alice', 60);
  assert.throws(() => budget.charge('alice', 60));
  settle(10);
  const other = budget.charge('alice', 90);
  assert.throws(() => budget.charge('alice', 1));
  other(89);
  budget.charge('alice', 1);
});

test('an identity is forgotten when its hour is over, and no other is', () => {
  let now = 0;
  const budget = new ByteBudget({ bytesPerHour: 100 }, () => now);
  budget.charge('alice', 100);
  now = 1;
  budget.charge('bob', 100);
  now = HOUR;
  budget.sweep();
  assert.throws(() => budget.charge('bob', 1));
  budget.charge('alice', 100);
});

test('the server counts what preparations and inferences move, and refuses what does not fit any more', async () => {
  const { plan } = (await runningServer()).client();
  const sum = ({ up, down }: { up: number; down: number }) => up + down;
  const bundle = sum(plan.offlineBytes);
  const needed = sum(plan.sessionBytes) + 2 * bundle + sum(plan.onlineBytes);
  const server = await runningServer({ limits: { bytesPerHour: needed } });
  const client = server.client();
  const [first, second] = await client.prepare(2);
  assert.equal((await client.classify(first, randomImage(network.card))).length, 10);
  const refused = { code: 'quota/exceeded', message: /take|bytes/ };
  await assert.rejects(client.spend(second.id), refused);
  await assert.rejects(client.prepare(1), refused);
  await server.client().prepare(1);
  await server.reload({ limits: { bytesPerHour: 2 * needed } });
  assert.ok(await client.spend(second.id), 'the refusal did not spend the bundle');
});
