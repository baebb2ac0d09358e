import assert from 'node:assert/strict';
import { test } from 'node:test';
import { owned, ownedCopy } from '../../kernels/release.ts';
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
  data: owned(new Uint8Array(length).fill(offset)),
});

test('a tensor arrives whole from pieces of any size', async () => {
  const { client, server } = memoryChannel();
  const bytes = new Uint8Array(SEGMENT_BYTES * 2 + 5).map((_, i) => i * 31);
  const [, received] = await Promise.all([
    sendTensor(client, 'ot-matrix', 1, ownedCopy(bytes)),
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
  const end = SEGMENT_BYTES;
  for (const second of [piece(end + 1, 9), piece(0, end), piece(end - 1, 11)])
    await assert.rejects(receiveTensor(hearing(piece(0, end), second), 'ot-matrix', 1, end + 10), {
      code: 'protocol/order',
    });
});

test('a tensor longer than the plan says is refused, also in its last piece', async () => {
  await assert.rejects(receiveTensor(hearing(piece(0, 11)), 'ot-matrix', 1, 10), { code: 'protocol/length' });
  const last = [piece(0, SEGMENT_BYTES), piece(SEGMENT_BYTES, 3)];
  await assert.rejects(receiveTensor(hearing(...last), 'ot-matrix', 1, SEGMENT_BYTES + 2), {
    code: 'protocol/length',
  });
});

test('a segment shorter than it can be is refused: tiny ones would keep the receiver busy', async () => {
  for (const short of [0, 1, 9])
    await assert.rejects(receiveTensor(hearing(piece(0, short)), 'ot-matrix', 1, 10), {
      code: 'protocol/length',
    });
});

test('a truncated tensor ends with the peer, not in a wait', async () => {
  const { client, server } = memoryChannel();
  await client.send(piece(0, SEGMENT_BYTES));
  const reading = receiveTensor(server, 'ot-matrix', 1, SEGMENT_BYTES + 10);
  client.close();
  await assert.rejects(reading, { code: 'protocol/closed' });
});

test('a reader keeps its place over several reads', async () => {
  const reader = new TensorReader(hearing(piece(0, 4), piece(4, 6)), 'ot-matrix', 1);
  assert.equal((await reader.read(4)).length, 4);
  assert.equal((await reader.read(6)).length, 6);
});
