import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import type { PrepareProgress } from '../../client/index.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { makePlan } from '../../protocol/plan.ts';
import { assertRight, bundleFiles, image, newClient } from '../support/connected.ts';
import { network, runningServer } from '../support/running-server.ts';
import { selfSigned } from '../support/self-signed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { card } = network;
const { width, height } = card.preprocessing;
const plan = makePlan(card);

/** For the tests that leave no bundle behind and break nothing. */
const shared = await newClient();

test('bundles are prepared, then images classified to the logits of the plain network', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  const progress: PrepareProgress[] = [];
  const bundles = await client.prepare({ count: 2, onProgress: (step) => progress.push(step) });
  assert.equal(bundles.length, 2);
  assert.deepEqual(
    (await client.bundles()).map(({ bundleId }) => bundleId).sort(),
    bundles.map(({ bundleId }) => bundleId).sort(),
  );

  const last = progress.at(-1)!;
  assert.deepEqual([last.ready, last.count, last.bytes], [2, 2, last.totalBytes]);
  assert.ok(progress.every(({ bytes }, i) => i === 0 || bytes >= progress[i - 1].bytes));

  for (let left = 1; left >= 0; left--) {
    const result = await client.classify(image, { topK: 3 });
    await assertRight(result.logits);
    assert.equal(result.model, card.name);
    assert.equal(result.top.length, 3);
    assert.equal(result.top[0].label, card.labels[result.top[0].index]);
    assert.equal(result.logits[result.top[0].index], Math.max(...result.logits));
    assert.equal(result.rounds, plan.rounds);
    assert.equal(result.timings.layers.length, card.layers.length);
    assert.deepEqual(result.bytes.online, plan.onlineBytes);
    assert.ok(bundles.some(({ bundleId }) => bundleId === result.bundleId));
    assert.equal((await client.bundles({ model: card.name })).length, left);
  }
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test("a bundle's bytes are the plan's, and the first one of a session bears the session's", async () => {
  const client = shared;
  const [first, second] = await client.prepare({ count: 2 });
  assert.deepEqual({ up: second.offline.up, down: second.offline.down }, plan.offlineBytes);
  assert.equal(first.offline.up, plan.offlineBytes.up + plan.sessionBytes.up);
  assert.equal(first.offline.down, plan.offlineBytes.down + plan.sessionBytes.down);
  await Promise.all([client.classify(image), client.classify(image)]);
});

test('files, their bytes and pixels give the same class', async () => {
  const client = shared;
  const png = await sharp(image.data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const path = join(temporaryFolder(), 'image.png');
  await writeFile(path, png);
  for (const form of [path, png, new Uint8Array(png), image])
    await assertRight((await client.classify(form, { prepare: true })).logits);
});

test('without a ready bundle classify says what to do, or prepares one if it may', async () => {
  const client = shared;
  await assert.rejects(client.classify(image), { code: 'bundle/none', message: /prepare/ });
  const result = await client.classify(image, { prepare: true, model: card.name });
  await assertRight(result.logits);
  assert.ok(result.timings.offlineMs > 0);
});

test('several images are classified at once, each with a bundle of its own', async () => {
  const client = shared;
  await client.prepare({ count: 3 });
  const results = await Promise.all([1, 2, 3].map(() => client.classify(image)));
  assert.equal(new Set(results.map(({ bundleId }) => bundleId)).size, 3);
  for (const { logits } of results) await assertRight(logits);
});

test('two clients that share a state folder never spend the same bundle', async () => {
  const stateFolder = temporaryFolder();
  const clients = [await newClient({ stateFolder }), await newClient({ stateFolder })];
  await clients[0].prepare();
  const outcomes = await Promise.allSettled(clients.map((client) => client.classify(image)));
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const lost = outcomes.find((outcome) => outcome.status === 'rejected');
  assert.equal(lost?.reason.code, 'bundle/none');
});

test('an unreadable image touches no bundle', async () => {
  const client = shared;
  await client.prepare();
  await assert.rejects(client.classify('/no/such.png'), { code: 'image/unreadable' });
  assert.equal((await client.bundles()).length, 1);
  await client.classify(image);
});

test('a wrong model name, count or topK is refused', async () => {
  const client = shared;
  await assert.rejects(client.classify(image, { model: 'nothing' }), { code: 'model/unknown' });
  await assert.rejects(client.prepare({ count: 0 }), { code: 'config/invalid' });
  await assert.rejects(client.classify(image, { topK: 1.5 }), { code: 'config/invalid' });
});

test('with several models one must be named', async () => {
  const other = { ...randomModel({ C: 2, D: 1, reduceAt: [], size: 8, classes: 4 }) };
  const two = await runningServer({
    models: [network, { ...other, card: { ...other.card, name: 'other' } }],
  });
  const client = await newClient({}, `127.0.0.1:${two.port}`);
  assert.equal((await client.models()).length, 2);
  await assert.rejects(client.classify(image), { code: 'config/invalid', message: /choose one of: .*other/ });
  await assertRight((await client.classify(image, { model: card.name, prepare: true })).logits);
});

test('over TLS the authority decides whom to trust', async () => {
  const folder = temporaryFolder();
  const { certificate, key } = selfSigned('localhost');
  await writeFile(join(folder, 'certificate.pem'), certificate);
  await writeFile(join(folder, 'key.pem'), key);
  const tls = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  const secure = await runningServer({ tls });
  const client = await newClient({ tls: { ca: certificate } }, `localhost:${secure.port}`);
  await assertRight((await client.classify(image, { prepare: true })).logits);
  await assert.rejects(newClient({ tls: {} }, `localhost:${secure.port}`), { code: 'server/unreachable' });
  await assert.rejects(newClient({}, `localhost:${secure.port}`), { code: 'server/unreachable' });
});
