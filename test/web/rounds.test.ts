import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PassedSegment } from '../../browser/index.ts';
import { roundsOf, total } from '../../web/rounds.ts';
import { timeLeft } from '../../web/time-left.ts';

function segment(
  direction: PassedSegment['direction'],
  kind: PassedSegment['kind'],
  layer: number,
  at: number,
  bytes: number,
): PassedSegment {
  return { direction, kind, layer, offset: 0, bytes, at };
}

test('a round goes from the end of the one before to its own last word, and waits for its first', () => {
  const segments = [
    segment('sent', 'masked-input', 0, 2, 12),
    segment('received', 'server-labels', 0, 5, 100),
    segment('received', 'server-labels', 0, 6, 100),
    segment('sent', 'masked-activations', 0, 9, 8),
    segment('sent', 'masked-activations', 0, 10, 8),
    segment('received', 'logit-share', 1, 14, 40),
  ];
  assert.deepEqual(roundsOf(segments), [
    { layer: 0, start: 2, heard: 5, end: 10, received: 200, sent: 16 },
    { layer: 1, start: 10, heard: 14, end: 14, received: 40, sent: 0 },
  ]);
});

test('rounds follow each other without a gap, and account for every byte but those of the masked picture', () => {
  const conversation = fc
    .array(fc.record({ sent: fc.boolean(), wait: fc.nat(9), bytes: fc.nat(1e6) }), { minLength: 1 })
    .map((steps) => {
      let at = 0;
      return steps.map(({ sent, wait, bytes }, i) => {
        at += wait;
        const layer = Math.floor(i / 3);
        return sent
          ? segment('sent', 'masked-activations', layer, at, bytes)
          : segment('received', 'server-labels', layer, at, bytes);
      });
    });
  fc.assert(
    fc.property(conversation, (segments) => {
      const rounds = roundsOf([segment('sent', 'masked-input', 0, 0, 7), ...segments]);
      for (const [i, { start, heard, end }] of rounds.entries()) {
        assert.equal(start, i === 0 ? 0 : rounds[i - 1].end);
        assert.ok(start <= heard && heard <= end);
      }
      for (const direction of ['sent', 'received'] as const)
        assert.equal(
          rounds.reduce((sum, round) => sum + round[direction], 0),
          total(segments, direction),
        );
    }),
  );
});

test('the time that is left follows from the pace so far, once there is one', () => {
  assert.equal(timeLeft(10, 5, 10), undefined);
  assert.equal(timeLeft(1000, 0, 10), undefined);
  assert.equal(timeLeft(1000, 4, 10), 1500);
  assert.equal(timeLeft(1000, 10, 10), 0);
});
