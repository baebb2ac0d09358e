/** Messages that are well-formed, but belong to another place, another session or another bundle. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { INPUT_CIPHERTEXT_BYTES, SEED_BYTES } from '../../crypto/he/parameters.ts';
import { BASE_OT_MESSAGE_BYTES } from '../../crypto/ot/base-ot.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { stochasticRange } from '../../model/executor.ts';
import { makePlan } from '../../protocol/plan.ts';
import type { SegmentKind } from '../../protocol/segment.ts';
import { encodeSegment } from '../../transport/stream-channel.ts';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';
import { randomSmallNetwork } from '../support/small-network.ts';
import type { ClientBundle, PreprocessStream } from '../support/test-client.ts';

const other = randomSmallNetwork(1);
const server = await runningServer({ models: [network, other], limits: { sessionsPerClient: 8 } });
const client = server.client();
/** Bundles for all tests of this file: opening a session is the slow part. */
const stock = await client.prepare(12);
const image = randomImage(network.card);

const bundle = () => stock.pop() as ClientBundle;
const segment = (kind: SegmentKind, data: Uint8Array, layer = 0) => ({
  segment: encodeSegment({ kind, layer, offset: 0, data }),
});

afterEach(async () => {
  // Whatever happened before, the next call is served.
  assert.equal((await client.classify(bundle(), image)).length, network.card.labels.length);
});

async function beginning(): Promise<PreprocessStream> {
  const { stream } = await client.openSession(2);
  await stream.send({ begin: {} });
  await stream.expect('offer');
  return stream;
}

test('what opens a session is not said twice', async () => {
  const hello = { ...client.model, count: 1 };
  const greeting = client.preprocess();
  await greeting.send({ hello });
  await greeting.expect('accepted');
  await greeting.expect('segment'); // the public key seed
  await greeting.send({ hello });
  await assert.rejects(greeting.expect('segment'), { code: 'protocol/order' });
  const { stream, session } = await client.openSession(1);
  await stream.send(segment('public-key', session.he.publicKey.slice()));
  await assert.rejects(stream.expect('offer'), { code: 'protocol/order' });
});

test('a preparation in another order is refused, and so is a message of it that comes again', async () => {
  const early = await beginning();
  await early.send(segment('ot-matrix', new Uint8Array(16)));
  await assert.rejects(early.expect('ready'), { code: 'protocol/order' });
  const { stream, session } = await client.openSession(2);
  const { id } = await client.prepareUncommitted(stream, session);
  await stream.send({ commit: { bundleId: id } });
  await stream.expect('ready');
  await stream.send({ commit: { bundleId: id } });
  await assert.rejects(stream.expect('offer'), { code: 'protocol/order' });
  assert.ok(await client.spend(id), 'the bundle was ready before');
});

test('a bundle that is ready is not committed again by another session', async () => {
  const { stream, session } = await client.openSession(1);
  await client.prepareUncommitted(stream, session);
  const ready = bundle();
  await stream.send({ commit: { bundleId: ready.id } });
  await assert.rejects(stream.expect('ready'), { code: 'protocol/order' });
  await client.classify(ready, image);
});

test('ciphertexts and points that are none are refused by what they are', async () => {
  const stream = await beginning();
  const { bytes } = client.plan.he.tensors[0];
  assert.equal(bytes % INPUT_CIPHERTEXT_BYTES, SEED_BYTES);
  await stream.send(segment('input-ciphertexts', new Uint8Array(bytes).fill(255)));
  await stream.expect('segment'); // the nonce
  await assert.rejects(stream.expect('segment'), { code: 'crypto/parameters' });
  for (const point of [0, 255].map((byte) => new Uint8Array(BASE_OT_MESSAGE_BYTES).fill(byte))) {
    const opening = client.preprocess();
    await opening.send({ hello: { ...client.model, count: 1 } });
    await opening.expect('accepted');
    await opening.send(segment('base-ot-message', point));
    await opening.expect('segment'); // the public key seed
    await assert.rejects(opening.expect('segment'), { code: 'crypto/input' });
  }
});

test('an encryption key of another session gives its owner a bundle that is worth nothing, and nobody else a thing', async () => {
  const [{ stream, session }, { session: foreign }] = [
    await client.openSession(1),
    await client.openSession(1),
  ];
  const useless = await client.prepareUncommitted(stream, { ...session, he: foreign.he });
  await stream.send({ commit: { bundleId: useless.id } });
  await stream.expect('ready');
  const logits = await client.classify(useless, image);
  const { mean, deviation } = stochasticRange(network, image, 32, seededRandom(1));
  assert.ok(logits.some((logit, i) => Math.abs(logit - mean[i]) > 8 * deviation[i]));
  await assert.rejects(client.spend(useless.id), { code: 'bundle/spent' });
});

test('oblivious transfers of another session are refused by their trees', async () => {
  const [{ stream, session }, { session: foreign }] = [
    await client.openSession(1),
    await client.openSession(1),
  ];
  const transfers = { ...session, ot: foreign.ot };
  await assert.rejects(client.prepareUncommitted(stream, transfers), { code: 'protocol/inconsistent' });
});

test('a bundle is not spent on another model of the server, and stays usable', async () => {
  const { id, bytes } = bundle();
  const { name: model, hash: modelHash } = other.card;
  const wrong = { model, modelHash, planHash: makePlan(other.card).hash };
  await assert.rejects(client.spend(id, wrong), { code: 'model/mismatch' });
  await client.classify({ id, bytes }, image);
});

test('one call spends one bundle', async () => {
  const [first, second] = [bundle(), bundle()];
  const stream = await client.spend(first.id);
  await stream.send({ spend: { bundleId: second.id, ...client.model } });
  await assert.rejects(stream.expect('segment'), { code: 'protocol/order' });
  await client.classify(second, image);
});
