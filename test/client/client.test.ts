import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { prepareImage } from '../../client/image.ts';
import {
  type Client,
  type ConnectOptions,
  connect,
  type PrepareProgress,
  type RawImage,
} from '../../client/index.ts';
import { nearest, quantizeImage, runInteger, stochasticRange } from '../../model/executor.ts';
import { randomModel, seededRandom } from '../../model/random.ts';
import { makePlan } from '../../protocol/plan.ts';
import { temporaryFolder } from '../server/bundles.ts';
import { network, runningServer } from '../server/running-server.ts';
import { selfSigned } from '../server/self-signed.ts';
import { Link } from './link.ts';

const { card } = network;
const plan = makePlan(card);
const server = await runningServer();
const address = `127.0.0.1:${server.port}`;

const random = seededRandom(5);
const { width, height } = card.preprocessing;
const image: RawImage = {
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, () => random() * 256),
};

/** A client with a state folder of its own, closed when the test file is done. */
async function newClient(options: ConnectOptions = {}, at = address): Promise<Client> {
  const client = await connect(at, { stateFolder: temporaryFolder(), ...options });
  after(() => client.close());
  return client;
}

/** Names of all bundle files below a state folder. */
function bundleFiles(stateFolder: string): string[] {
  return readdirSync(join(stateFolder, 'bundles'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(partial|ready|spending)$/.test(name),
  );
}

/** For the tests that leave no bundle behind and break nothing. */
const shared = await newClient();

async function assertRight(logits: Float64Array, pixels: RawImage = image): Promise<void> {
  const input = quantizeImage(card, await prepareImage(pixels, card));
  const { mean, deviation } = stochasticRange(network, input, 64, seededRandom(1));
  for (const [i, logit] of logits.entries()) {
    const units = logit * 2 ** card.logitScaleBits;
    assert.ok(Number.isInteger(units));
    assert.ok(
      Math.abs(units - mean[i]) <= 8 * deviation[i],
      `logit ${i}: ${units}, expected ${mean[i]} +- ${deviation[i]}`,
    );
  }
}

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

test('an abort while preparing keeps what is ready, leaves nothing half done, and the client works on', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  const abort = new AbortController();
  const onProgress = ({ ready, bytes, totalBytes }: PrepareProgress) => {
    if (ready === 1 && bytes > 0.6 * totalBytes) abort.abort();
  };
  await assert.rejects(client.prepare({ count: 2, onProgress, signal: abort.signal }), { code: 'aborted' });
  assert.match(bundleFiles(stateFolder).join(), /^[^,]*\.ready$/);
  await assertRight((await client.classify(image)).logits);
  await client.prepare();
});

test('an abort while classifying uses the bundle up, and the client works on', async () => {
  const stateFolder = temporaryFolder();
  const link = await Link.to(server.port);
  after(() => link.close());
  const client = await newClient({ stateFolder }, link.address);
  await client.prepare({ count: 2 });
  const abort = new AbortController();
  const classifying = client.classify(image, { signal: abort.signal });
  const spending = setInterval(
    () => bundleFiles(stateFolder).some((name) => name.endsWith('.spending')) && abort.abort(),
    1,
  );
  await assert.rejects(classifying, { code: 'aborted' });
  clearInterval(spending);
  assert.equal((await client.bundles()).length, 1);
  assert.equal(bundleFiles(stateFolder).length, 1);
  await assertRight((await client.classify(image)).logits);
});

test('a signal that has fired before the call stops it before anything happens', async () => {
  const client = shared;
  await client.prepare();
  const signal = AbortSignal.abort();
  await assert.rejects(client.classify(image, { signal }), { code: 'aborted' });
  await assert.rejects(client.prepare({ signal }), { code: 'aborted' });
  await assert.rejects(client.models({ signal }), { code: 'aborted' });
  assert.equal((await client.bundles()).length, 1);
  await client.classify(image);
});

test('a connection cut in the middle of an inference burns the bundle and nothing else', async () => {
  const stateFolder = temporaryFolder();
  const link = await Link.to(server.port);
  after(() => link.close());
  const client = await newClient({ stateFolder }, link.address);
  await client.prepare({ count: 2 });
  link.cutAfter(plan.onlineBytes.down / 2);
  await assert.rejects(client.classify(image), { code: /server\/unreachable|protocol\/closed/ });
  assert.equal((await client.bundles()).length, 1);
  await assertRight((await client.classify(image)).logits);
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test('a connection cut before the server accepts the bundle is tried again with another one', async () => {
  const link = await Link.to(server.port);
  after(() => link.close());
  const client = await newClient({}, link.address);
  const bundles = await client.prepare({ count: 2 });
  await delay(100); // nothing of the preparation is on the way any more
  link.cutAfter(0);
  const { bundleId, logits } = await client.classify(image);
  await assertRight(logits);
  assert.equal(bundleId, bundles[1].bundleId);
  assert.deepEqual(await client.bundles(), []);
});

test('a connection cut while preparing leaves no file', async () => {
  const stateFolder = temporaryFolder();
  const link = await Link.to(server.port);
  after(() => link.close());
  const client = await newClient({ stateFolder }, link.address);
  link.cutAfter(plan.offlineBytes.down / 2);
  await assert.rejects(client.prepare(), { code: /server\/unreachable|protocol\/closed/ });
  assert.deepEqual(bundleFiles(stateFolder), []);
  await client.prepare();
  await assertRight((await client.classify(image)).logits);
});

test('a server that falls silent runs into the deadline', async () => {
  const stateFolder = temporaryFolder();
  const link = await Link.to(server.port);
  after(() => link.close());
  const client = await newClient({ stateFolder, deadlines: { idleMs: 400, connectMs: 400 } }, link.address);
  const onProgress = ({ bytes, totalBytes }: PrepareProgress) =>
    bytes > totalBytes / 2 && link.fallSilentAfter(0);
  await assert.rejects(client.prepare({ onProgress }), { code: 'protocol/deadline' });
  await assert.rejects(client.models(), { code: 'protocol/deadline' });
  assert.deepEqual(bundleFiles(stateFolder), []);
});

test('bundles that the server does not know are used up one after another, then new ones are asked for', async () => {
  const stateFolder = temporaryFolder();
  const link = await Link.to(server.port);
  after(() => link.close());
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
  const plain = runInteger(changed, input, nearest).logits;
  assert.equal(logits.length, plain.length);
});

test('a server that is gone is named, and no bundle is lost by asking it', async () => {
  const gone = await runningServer();
  const client = await newClient({ deadlines: { connectMs: 500 } }, `127.0.0.1:${gone.port}`);
  await client.prepare();
  await gone.stop({ graceMs: 0 });
  await assert.rejects(client.classify(image), { code: 'server/unreachable', message: /sphynx serve/ });
  await assert.rejects(client.prepare(), { code: 'server/unreachable' });
  assert.equal((await client.bundles()).length, 1);
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

test('a closed client stops what it was doing', async () => {
  const stateFolder = temporaryFolder();
  const client = await newClient({ stateFolder });
  const preparing = client.prepare({ count: 5, onProgress: () => void client.close() });
  await assert.rejects(preparing);
  assert.ok(bundleFiles(stateFolder).every((name) => name.endsWith('.ready')));
});
