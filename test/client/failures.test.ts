import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ATTEMPTS } from '../../client/limits.ts';
import { prepareImage } from '../../client/node/image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { quantizeImage, stochasticRange } from '../../model/executor.ts';
import { makePlan } from '../../protocol/plan.ts';
import { assertRight, bundleFiles, image, newClient, newLink } from '../support/connected.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { card } = network;
const plan = makePlan(card);

test('a connection cut in the middle of an inference burns the bundle and nothing else', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const client = await newClient({ stateFolder }, link.address);
  await client.prepare({ count: 2 });
  await link.quiet();
  // In the second layer, for which the server waits until the client has answered the first.
  link.cutAfter(0.75 * plan.onlineBytes.down);
  await assert.rejects(client.classify(image), {
    code: 'server/unreachable',
    message: /broke in the middle of an inference, and its bundle is used up; try again/,
  });
  assert.equal((await client.bundles()).length, 1);
  await assertRight((await client.classify(image)).logits);
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test('a connection cut before the server accepts the bundle is tried again with another one', async () => {
  const link = await newLink();
  const client = await newClient({}, link.address);
  const bundles = await client.prepare({ count: 2 });
  await link.quiet();
  link.cutAfter(0);
  const { bundleId, logits } = await client.classify(image);
  await assertRight(logits);
  assert.equal(bundleId, bundles[1].bundleId);
  assert.deepEqual(await client.bundles(), []);
});

test('a preparation whose connection breaks goes on over the next one, and leaves one file for each bundle', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const client = await newClient({ stateFolder }, link.address);
  for (const direction of ['down', 'up'] as const) {
    link.cutAfter(plan.offlineBytes[direction] / 2, direction);
    const readies: number[] = [];
    const prepared = await client.prepare({ count: 2, onProgress: ({ ready }) => readies.push(ready) });
    assert.equal(prepared.length, 2);
    assert.equal(readies.at(-1), 2);
  }
  assert.equal(bundleFiles(stateFolder).length, 4);
  await assertRight((await client.classify(image)).logits);
});

test('a preparation whose connections break repeatedly ends with an error, and leaves no file', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const client = await newClient({ stateFolder }, link.address);
  let cuts = 0;
  let last = 0;
  const cutEach = ({ bytes }: { bytes: number }) => {
    if (bytes > plan.sessionBytes.up && last <= plan.sessionBytes.up) {
      cuts++;
      link.cut();
    }
    last = bytes;
  };
  await assert.rejects(client.prepare({ onProgress: cutEach }), {
    code: 'server/unreachable',
    message: /broke in the middle of a preparation; bundles that were ready stay; try again/,
  });
  assert.equal(cuts, ATTEMPTS);
  assert.deepEqual(bundleFiles(stateFolder), []);
  await client.prepare();
  await assertRight((await client.classify(image)).logits);
});

test('bytes that are lost on the way cost the bundle in work at most, and no other call', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const client = await newClient({ stateFolder, deadlines: { idleMs: 3000 } }, link.address);
  link.lose(100, plan.offlineBytes.down / 2);
  // What follows is no HTTP/2 any more, and the next connection is asked; unless by chance it is, and then the end never comes.
  const ready = await client.prepare().catch(({ code, message }) => {
    assert.equal(code, 'protocol/deadline', message);
    return [];
  });
  assert.equal(bundleFiles(stateFolder).length, ready.length);
  link.cut();
  await assertRight((await client.classify(image, { prepare: true })).logits);
});

test('a server that falls silent runs into the deadline', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const client = await newClient({ stateFolder, deadlines: { idleMs: 6000, connectMs: 2000 } }, link.address);
  link.fallSilentAfter(plan.offlineBytes.down / 2);
  await assert.rejects(client.prepare(), { code: 'protocol/deadline' });
  await assert.rejects(client.models(), { code: 'protocol/deadline' });
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test('bundles that the server does not know are used up one after another, then new ones are asked for', async () => {
  const stateFolder = temporaryFolder();
  const link = await newLink();
  const first = await newClient({ stateFolder }, link.address);
  await first.prepare({ count: 2 });
  // Another token: to the server these bundles are somebody else's.
  const other = await newClient({ stateFolder, clientToken: 'f'.repeat(32) }, link.address);
  await assert.rejects(other.classify(image), { code: 'bundle/none' });
  assert.deepEqual(bundleFiles(stateFolder), []);
  await assertRight((await other.classify(image, { prepare: true })).logits);
});

test('a damaged bundle gives no result', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  await client.prepare();
  const [name] = bundleFiles(stateFolder);
  await writeFile(join(stateFolder, 'bundles', name), 'x', { flag: 'a' });
  await assert.rejects(client.classify(image), { code: 'bundle/corrupt' });
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test('a server that changed its model is noticed, and its new model used from then on', async () => {
  const serverFolder = temporaryFolder();
  const before = await runningServer({ stateFolder: serverFolder });
  const client = await newClient({}, `127.0.0.1:${before.port}`);
  await client.prepare();
  await before.stop({ graceMs: 0 });
  const changed = randomModel({ C: 2, D: 2, reduceAt: [0], size: 8, classes: 10, seed: 2 });
  assert.equal(changed.card.name, card.name);
  await runningServer({ address: `127.0.0.1:${before.port}`, models: [changed], stateFolder: serverFolder });
  await assert.rejects(client.classify(image, { prepare: true }), { code: 'model/mismatch' });
  const { logits } = await client.classify(image, { prepare: true });
  const input = quantizeImage(changed.card, await prepareImage(image, changed.card));
  const { mean, deviation } = stochasticRange(changed, input, 64, seededRandom(1));
  for (const [i, logit] of logits.entries())
    assert.ok(Math.abs(logit * 2 ** changed.card.logitScaleBits - mean[i]) <= 8 * deviation[i], `logit ${i}`);
});

test('an error names an unreachable server, and no bundle is lost', async () => {
  const gone = await runningServer();
  const client = await newClient({ deadlines: { connectMs: 5000 } }, `127.0.0.1:${gone.port}`);
  await client.prepare();
  await gone.stop({ graceMs: 0 });
  await assert.rejects(client.classify(image), {
    code: 'server/unreachable',
    message: /sphynx doctor --server/,
  });
  await assert.rejects(client.prepare(), { code: 'server/unreachable' });
  assert.equal((await client.bundles()).length, 1);
});
