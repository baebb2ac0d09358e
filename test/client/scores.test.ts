import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realLogits, topClasses, topScores } from '../../client/scores.ts';

test('logits are integers in units of a power of two', () => {
  assert.deepEqual([...realLogits({ logitScaleBits: 3 }, Int32Array.of(8, -4, 1))], [1, -0.5, 0.125]);
});

test('probabilities are the softmax over all classes, the largest first', () => {
  const top = topScores(['a', 'b', 'c'], Float64Array.of(0, Math.log(2), Math.log(5)), 2);
  assert.deepEqual(
    top.map(({ label, index }) => [label, index]),
    [
      ['c', 2],
      ['b', 1],
    ],
  );
  assert.ok(Math.abs(top[0].p - 5 / 8) < 1e-12 && Math.abs(top[1].p - 2 / 8) < 1e-12);
});

test('large logits neither overflow nor lose their order', () => {
  const top = topScores(['a', 'b', 'c'], Float64Array.of(1e4, 2e4, 1.5e4), 5);
  assert.deepEqual(
    top.map(({ label, p }) => [label, p]),
    [
      ['b', 1],
      ['c', 0],
      ['a', 0],
    ],
  );
});

test('classes that come without logits have no probability', () => {
  assert.deepEqual(topClasses(['a', 'b', 'c'], [2, 0], 5), [
    { label: 'c', p: null, index: 2 },
    { label: 'a', p: null, index: 0 },
  ]);
  assert.equal(topClasses(['a', 'b', 'c'], [2, 0], 1).length, 1);
});
