import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { PUBLIC_KEY_BYTES } from '../../crypto/he/parameters.ts';
import { BaseOtSender } from '../../crypto/ot/base-ot.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { SEGMENT_BYTES } from '../../protocol/segment.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { encodeSegment } from '../../transport/stream-channel.ts';
import { randomImage } from '../support/card-image.ts';
import { FaultyLink } from '../support/faulty-link.ts';
import { network, runningServer } from '../support/running-server.ts';
import { type ClientBundle, TestClient } from '../support/test-client.ts';

const server = await runningServer();
const client = server.client();
/** Bundles for all tests of this file: opening a session is the slow part. */
const stock = await client.prepare(13);
const image = randomImage(network.card);

const bundle = () => stock.pop() as ClientBundle;

afterEach(async () => {
  // Whatever happened before, the next call is served.
  assert.equal((await client.classify(bundle(), image)).length, network.card.labels.length);
});

test('a first message that is not the expected one is out of order', async () => {
  const preprocess = client.preprocess();
  await preprocess.send({ begin: {} });
  await assert.rejects(preprocess.expect('accepted'), { code: 'protocol/order' });
  const infer = client.infer();
  await infer.send({ segment: { kind: 1, layer: 0, offset: 0, data: Uint8Array.of(1) } });
  await assert.rejects(infer.expect('spending'), { code: 'protocol/order' });
});

test('a stream that ends before it said anything is closed with a clear error', async () => {
  const stream = client.preprocess();
  stream.end();
  await assert.rejects(stream.expect('accepted'), { code: 'protocol/closed' });
});

test('a public key that is too long, too short or no key is refused', async () => {
  const attempt = async (data: Uint8Array, code: string) => {
    const stream = client.preprocess();
    await stream.send({ hello: { ...client.model, count: 1 } });
    await stream.expect('accepted');
    const message = new BaseOtSender().message.slice();
    await stream.send({
      segment: encodeSegment({ kind: 'base-ot-message', layer: 0, offset: 0, data: message }),
    });
    for (const _ of ['public key seed', 'base OT reply']) await stream.expect('segment');
    await stream.send({ segment: encodeSegment({ kind: 'public-key', layer: 0, offset: 0, data }) });
    await assert.rejects(stream.expect('offer'), { code });
  };
  await attempt(new Uint8Array(SEGMENT_BYTES), 'protocol/length');
  await attempt(new Uint8Array(PUBLIC_KEY_BYTES).fill(255), 'crypto/parameters');
  await attempt(new Uint8Array(10), 'protocol/length');
});

test('a masked image that is truncated, too long or of the wrong kind burns the bundle and nothing else', async () => {
  const [first, second, third] = [bundle(), bundle(), bundle()];
  const right = 4 * image.length;
  const send = async (id: string, kind: 'masked-input' | 'ot-matrix', length: number, code: string) => {
    const stream = await client.spend(id);
    await stream.send({
      segment: encodeSegment({ kind, layer: 0, offset: 0, data: new Uint8Array(length) }),
    });
    stream.end();
    await assert.rejects(stream.expect('segment'), { code });
    await assert.rejects(client.spend(id), { code: 'bundle/spent' });
  };
  await send(first.id, 'masked-input', right - 4, 'protocol/length');
  await send(second.id, 'masked-input', right + 4, 'protocol/length');
  await send(third.id, 'ot-matrix', right, 'protocol/order');
});

test('a client that falls silent runs into the deadline', async () => {
  const impatient = await runningServer({ limits: { idleMs: 5000 } });
  const client = impatient.client();
  const [{ id }] = await client.prepare();
  const infer = await client.spend(id);
  const preprocess = client.preprocess();
  await preprocess.send({ hello: { ...client.model, count: 1 } });
  await preprocess.expect('accepted');
  await assert.rejects(infer.expect('segment'), { code: 'protocol/deadline' });
  await preprocess.expect('segment'); // the public key seed
  await assert.rejects(preprocess.expect('offer'), { code: 'protocol/deadline' });
});

test('a stream that trickles runs into the deadline, and its place is given back', async (t) => {
  const impatient = await runningServer({ limits: { idleMs: 1500, sessions: 1 } });
  const link = await FaultyLink.to(impatient.port);
  const slow = new TestClient(Number(link.address.split(':')[1]), network);
  t.after(() => {
    slow.close();
    link.close();
  });
  const stream = slow.preprocess();
  await stream.send({ hello: { ...slow.model, count: 1 } });
  await stream.expect('accepted');
  await stream.expect('segment'); // the public key seed
  link.slowDown(20, 'up');
  const key = { kind: 'public-key' as const, layer: 0, offset: 0, data: new Uint8Array(PUBLIC_KEY_BYTES) };
  const sending = stream.send({ segment: encodeSegment(key) }).catch(() => {});
  await assert.rejects(stream.expect('segment'), { code: 'protocol/deadline', message: /try again/ });
  await sending;
  // With the usual deadline again, which an honest preparation meets on a busy machine too.
  await impatient.reload({ limits: { sessions: 1 } });
  assert.equal((await impatient.client().prepare()).length, 1);
});

test('a client that vanishes at any point of a preparation leaves nothing behind', async () => {
  const gone = new SphynxError('aborted', 'gone');
  const greeted = client.preprocess();
  await greeted.send({ hello: { ...client.model, count: 1 } });
  greeted.abort(gone);
  const opened = await client.openSession(1);
  opened.stream.abort(gone);
  const offered = await client.openSession(1);
  await offered.stream.send({ begin: {} });
  await offered.stream.expect('offer');
  offered.stream.abort(gone);
});

test('another model hash, another plan and a silly count are refused before any work', async () => {
  const refusals: [object, string][] = [
    [{ modelHash: '0'.repeat(64) }, 'model/mismatch'],
    [{ planHash: '' }, 'model/mismatch'],
    [{ model: '../../etc/passwd' }, 'model/unknown'],
    [{ count: 2 ** 32 - 1 }, 'config/invalid'],
  ];
  for (const [change, code] of refusals) {
    const stream = client.preprocess();
    await stream.send({ hello: { ...client.model, count: 1, ...change } });
    await assert.rejects(stream.expect('accepted'), { code });
  }
});

test('a call without a proper client token is refused', async () => {
  for (const token of [undefined, '', 'short', 'G'.repeat(32)]) {
    const metadata = new Metadata();
    if (token !== undefined) metadata.set(CLIENT_KEY, token);
    const stream = client.preprocess(metadata);
    await assert.rejects(stream.expect('accepted'), { code: 'config/invalid' });
  }
});

test('after all that, preparation works as well', async () => {
  stock.push(...(await client.prepare(1)));
});
