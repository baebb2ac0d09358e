import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../../protocol/channel.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { SEGMENT_BYTES, type Segment } from '../../protocol/segment.ts';
import { receiveTensor, sendTensor, TensorReader } from '../../protocol/tensor-stream.ts';

/** The receiving end of a channel on which the peer has said `segments`. */
function hearing(...segments: Segment[]): Channel {
  const { client, server } = memoryChannel();
  for (const segment of segments) void client.send(segment);
  return server;
}

const piece = (offset: number, length: number): Segment => ({
  kind: 'ot-matrix',
  layer: 1,
  offset,
  data: new Uint8Array(length).fill(offset),
});

test('a tensor arrives whole from pieces of any size', async () => {
  const { client, server } = memoryChannel();
  const bytes = new Uint8Array(SEGMENT_BYTES * 2 + 5).map((_, i) => i * 31);
  const [, received] = await Promise.all([
    sendTensor(client, 'ot-matrix', 1, bytes.slice()),
    receiveTensor(server, 'ot-matrix', 1, bytes.length),
  ]);
  assert.deepEqual(received, bytes);
});

test('a segment of another kind or layer is refused', async () => {
  const other: Segment = { ...piece(0, 10), kind: 'garbled-tables' };
  await assert.rejects(receiveTensor(hearing(other), 'ot-matrix', 1, 10), { code: 'protocol/order' });
  await assert.rejects(receiveTensor(hearing(piece(0, 10)), 'ot-matrix', 2, 10), { code: 'protocol/order' });
});

test('a gap, a repetition and an overlap are refused', async () => {
  for (const second of [piece(11, 5), piece(0, 10), piece(9, 5)])
    await assert.rejects(receiveTensor(hearing(piece(0, 10), second), 'ot-matrix', 1, 20), {
      code: 'protocol/order',
    });
});

test('a tensor longer than the plan says is refused, also in its last piece', async () => {
  await assert.rejects(receiveTensor(hearing(piece(0, 11)), 'ot-matrix', 1, 10), { code: 'protocol/length' });
  await assert.rejects(receiveTensor(hearing(piece(0, 8), piece(8, 3)), 'ot-matrix', 1, 10), {
    code: 'protocol/length',
  });
});

test('an empty segment is refused: it could keep the receiver busy for ever', async () => {
  await assert.rejects(receiveTensor(hearing(piece(0, 0)), 'ot-matrix', 1, 10), { code: 'protocol/length' });
});

test('a truncated tensor ends with the peer, not in a wait', async () => {
  const { client, server } = memoryChannel();
  await client.send(piece(0, 4));
  const reading = receiveTensor(server, 'ot-matrix', 1, 10);
  client.close();
  await assert.rejects(reading, { code: 'protocol/closed' });
});

test('a reader keeps its place over several reads', async () => {
  const reader = new TensorReader(hearing(piece(0, 4), piece(4, 6)), 'ot-matrix', 1);
  assert.equal((await reader.read(4)).length, 4);
  assert.equal((await reader.read(6)).length, 6);
});
