import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Allowance, checkAllowance, readAllowance } from '../../client/allowance.ts';
import { connect } from '../../client/index.ts';
import { runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const server = await runningServer({
  limits: { bundlesPerClient: 3, inferencesPerHour: 9, preparationsTotal: 5 },
});
const client = await connect(`127.0.0.1:${server.port}`, {
  stateFolder: temporaryFolder(),
  warmUp: false,
});

test('a client sees its allowance, and asking costs nothing', async () => {
  const { hourEndsMs, ...left } = (await client.allowance()) as Allowance;
  assert.ok(hourEndsMs > 3_500_000 && hourEndsMs <= 3_600_000);
  assert.deepEqual([left.bundles, left.inferencesInHour, left.preparations], [3, 9, 5]);
  await client.prepare({ count: 2 });
  const after = (await client.allowance()) as Allowance;
  assert.deepEqual([after.bundles, after.preparations, after.inferences], [1, 3, left.inferences]);
});

test('more bundles than the server lets a client hold are refused before the first is prepared', async () => {
  let progress = 0;
  const asked = client.prepare({ count: 2, onProgress: () => progress++ });
  await assert.rejects(asked, {
    code: 'server/busy',
    message: /2 bundles were asked for, and the server lets this client hold 1 more/,
  });
  assert.equal(progress, 0);
  assert.equal(((await client.allowance()) as Allowance).preparations, 3);
  assert.equal((await client.bundles()).length, 2);
});

test('every call of a closed client says that it is closed', async () => {
  await client.close();
  const calls = [
    () => client.models(),
    () => client.modelCard(),
    () => client.prepare(),
    () => client.classify(new Uint8Array()),
    () => client.allowance(),
  ];
  for (const call of calls)
    await assert.rejects(call(), { code: 'aborted', message: 'the client was closed: connect again' });
});

const allowance: Allowance = {
  ...{ bundles: 10, inferencesInHour: 10, inferences: 10, preparationsInHour: 2, preparations: 5 },
  hourEndsMs: 600_000,
};

test('a count beyond a quota is refused, unless the hour ends within the deadline of the caller', () => {
  checkAllowance(undefined, 1000, 0);
  checkAllowance(allowance, 2, 0);
  checkAllowance(allowance, 3, 600_000);
  assert.throws(() => checkAllowance(allowance, 3, 599_999), {
    code: 'quota/exceeded',
    message: /2 more may be prepared in this hour, which ends in 10 min/,
    retryAfterMs: 600_000,
  });
  assert.throws(() => checkAllowance(allowance, 6, 600_000), { message: /5 more may be prepared in all/ });
});

test('an invalid allowance is refused, and a missing one indicates an older server', () => {
  assert.equal(readAllowance(null), undefined);
  assert.deepEqual(readAllowance(allowance), allowance);
  for (const bundles of [-1, 0.5, 2 ** 60, '1', undefined])
    assert.throws(() => readAllowance({ ...allowance, bundles }), { code: 'protocol/format' });
});
