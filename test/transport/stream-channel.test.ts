import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { owned } from '../../kernels/release.ts';
import { SEGMENT_BYTES, SEGMENT_KINDS, type Segment } from '../../protocol/segment.ts';
import { privateInferenceService } from '../../transport/grpc/proto.ts';
import { checkReadable } from '../../transport/readable.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';
import { type Loopback, loopback } from './loopback.ts';

let link: Loopback;
beforeEach(async () => {
  link = await loopback();
  await link.server.expect('spend');
});
afterEach(() => link.close());

const channels = () => ({ client: new StreamChannel(link.client), server: new StreamChannel(link.server) });

function segment(offset: number, length = 100): Segment {
  return { kind: 'garbled-tables', layer: 7, offset, data: owned(new Uint8Array(length).fill(offset)) };
}

test('every kind of segment arrives as it was sent, in both directions', async () => {
  const { client, server } = channels();
  for (const kind of SEGMENT_KINDS) {
    const sent = () => ({ kind, layer: 3, offset: 2 ** 40, data: owned(Uint8Array.of(1, 2, 3)) });
    await client.send(sent());
    const up = await server.receive();
    assert.deepEqual(up, sent());
    await server.send(up);
    const down = await client.receive();
    assert.deepEqual(down, sent());
  }
});

test('the largest segment passes and a larger one is refused before it is sent', async () => {
  const { client, server } = channels();
  const sending = client.send(segment(1, SEGMENT_BYTES));
  assert.equal((await server.receive()).data.length, SEGMENT_BYTES);
  await sending;
  await assert.rejects(async () => client.send(segment(1, SEGMENT_BYTES + 1)), { code: 'protocol/length' });
});

test('a sender is held back while nobody reads', async () => {
  const { client, server } = channels();
  let accepted = 0;
  const total = 200;
  const sending = (async () => {
    for (let i = 0; i < total; i++) {
      await client.send(segment(i % 256, SEGMENT_BYTES));
      accepted++;
    }
  })();
  await delay(300);
  assert.ok(accepted < 100, `${accepted} MiB were accepted with nobody reading`);
  for (let i = 0; i < total; i++) assert.equal((await server.receive()).data[0], i % 256);
  await sending;
});

test('an oversized message ends the call and reaches nobody', async () => {
  const { server } = channels();
  link.call.write({ segment: { kind: 1, layer: 0, offset: 0, data: new Uint8Array(4 * SEGMENT_BYTES) } });
  await assert.rejects(server.receive(), { code: 'protocol/closed' });
  await assert.rejects(link.client.receive(), { code: 'protocol/length' });
});

test('empty data, an unknown kind and an offset beyond exact numbers are refused', async () => {
  const { server } = channels();
  const good = { kind: 1, layer: 0, offset: 0, data: Uint8Array.of(1) };
  link.call.write({ segment: { ...good, data: new Uint8Array(0) } });
  await assert.rejects(server.receive(), { code: 'protocol/length' });
  link.call.write({ segment: { ...good, kind: SEGMENT_KINDS.length + 1 } });
  await assert.rejects(server.receive(), { code: 'protocol/order' });
  link.call.write({ segment: { ...good, kind: 0 } });
  await assert.rejects(server.receive(), { code: 'protocol/order' });
  link.call.write({ segment: { ...good, offset: 2 ** 60 } });
  await assert.rejects(server.receive(), { code: 'protocol/length' });
});

test('a message of another sort or none at all is out of order', async () => {
  const { server } = channels();
  await link.client.send({ spend: { bundleId: '', model: '', modelHash: '', planHash: '' } });
  await assert.rejects(server.receive(), { code: 'protocol/order', message: /expected segment, got spend/ });
  link.call.write({} as never);
  await assert.rejects(server.receive(), { code: 'protocol/order' });
});

test('bytes that are no message are refused as such on either side', () => {
  const { requestDeserialize, responseDeserialize } = privateInferenceService.Infer;
  for (const deserialize of [requestDeserialize, responseDeserialize])
    assert.throws(() => checkReadable(deserialize(Buffer.from([0xff, 0xff, 0xff]))), {
      code: 'protocol/format',
    });
});

test('an orderly end is read after everything before it', async () => {
  const { client, server } = channels();
  await client.send(segment(9));
  link.client.end();
  assert.equal((await server.receive()).data[0], 9);
  assert.equal(await link.server.receive(), undefined);
  await assert.rejects(server.receive(), { code: 'protocol/closed' });
  await server.send(segment(8));
  link.server.end();
  assert.equal((await link.client.expect('segment')).data[0], 8);
  assert.equal(await link.client.receive(), undefined);
});

test('a client that still sends when the server has ended the call in order is told at once', async () => {
  const { client, server } = channels();
  await server.send(segment(8));
  link.server.end();
  const speaking = async () => {
    for (;;) await client.send(segment(9));
  };
  await assert.rejects(speaking(), { code: 'protocol/closed' });
  assert.equal((await client.receive()).data[0], 8);
});

test("the server's error reaches the waiting client with code and message", async () => {
  const receiving = link.client.receive();
  link.server.abort(new SphynxError('bundle/spent', 'that bundle was used'));
  await assert.rejects(receiving, { code: 'bundle/spent', message: 'that bundle was used' });
  await assert.rejects(
    link.client.send({ segment: { kind: 1, layer: 0, offset: 0, data: Uint8Array.of(1) } }),
    {
      code: 'bundle/spent',
    },
  );
});

test('a client that cancels stops a waiting server and aborts its signal', async () => {
  const receiving = link.server.expect('segment');
  link.client.abort(new SphynxError('aborted', 'the caller changed its mind'));
  await assert.rejects(receiving, { code: 'protocol/closed' });
  if (!link.server.signal.aborted) await once(link.server.signal, 'abort');
  assert.equal((link.server.signal.reason as SphynxError).code, 'protocol/closed');
  await assert.rejects(link.client.receive(), { code: 'aborted' });
});

test('a connection that breaks stops both sides', async () => {
  const waiting = [link.server.receive(), link.client.receive()];
  link.close();
  for (const each of waiting) await assert.rejects(each, /./);
});

test('a silent peer runs into the deadline, and is told', async () => {
  link.close();
  link = await loopback({ idleMs: 3000 });
  await link.server.expect('spend');
  await assert.rejects(link.server.receive(), { code: 'protocol/deadline' });
  await assert.rejects(link.client.receive(), { code: 'protocol/deadline' });
});

test('a peer that reads nothing runs into the deadline too', async () => {
  link.close();
  link = await loopback({ idleMs: 3000 });
  const { client } = channels();
  await assert.rejects(
    async () => {
      for (let i = 0; i < 200; i++) await client.send(segment(1, SEGMENT_BYTES));
    },
    { code: 'protocol/deadline' },
  );
});
