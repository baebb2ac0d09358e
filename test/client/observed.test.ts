import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PassedSegment } from '../../client/index.ts';
import { bytesToWords } from '../../crypto/ring.ts';
import { assertRight, image, newClient } from '../support/connected.ts';
import { network } from '../support/running-server.ts';

const { card } = network;

function bytesOf(segments: readonly PassedSegment[], direction: PassedSegment['direction']): number {
  return segments.reduce((sum, segment) => sum + (segment.direction === direction ? segment.bytes : 0), 0);
}

test('a listener is told every byte of an inference, in order, and sent data is a copy', async () => {
  const client = await newClient();
  await client.prepare({ count: 2 });
  const inputs: Uint8Array[] = [];
  for (let i = 0; i < 2; i++) {
    const segments: PassedSegment[] = [];
    const { logits, bytes, timings } = await client.classify(image, {
      onSegment: (segment) => {
        segments.push(segment);
        // A copy: the server gets what was to be sent.
        if (segment.layer > 0) segment.data?.fill(0);
      },
    });
    await assertRight(logits);
    assert.deepEqual({ up: bytesOf(segments, 'sent'), down: bytesOf(segments, 'received') }, bytes.online);
    for (const [s, { at, bytes, data, direction }] of segments.entries()) {
      assert.ok(at >= (segments[s - 1]?.at ?? 0) && at <= timings.onlineMs);
      assert.equal(data?.length, direction === 'sent' ? bytes : undefined);
    }
    const [first] = segments;
    assert.deepEqual(
      [first.kind, first.bytes],
      ['masked-input', 4 * 3 * card.input.height * card.input.width],
    );
    inputs.push(first.data as Uint8Array);
  }
  // One image under two masks.
  const [one, two] = inputs.map((input) => bytesToWords(input.slice()));
  assert.ok(one.filter((word, i) => word === two[i]).length < 3);
});
