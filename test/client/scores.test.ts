import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realLogits, scoresOf, topClasses, topScores } from '../../client/scores.ts';

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

test('one logit gives both classes, each with its probability by the sigmoid', () => {
  const card = { head: 'sigmoid', labels: ['no', 'yes'] } as const;
  for (const logit of [-3, -0.1, 0.1, 0.405465, 12, 1000, -1000]) {
    const scores = scoresOf(card, Float64Array.of(logit));
    const yes = scores.find(({ label }) => label === 'yes')!;
    const no = scores.find(({ label }) => label === 'no')!;
    assert.equal(scores.length, 2);
    assert.equal(scores[0].label, logit > 0 ? 'yes' : 'no');
    assert.ok(Math.abs(yes.p! - 1 / (1 + Math.exp(-logit))) < 1e-12);
    assert.ok(Math.abs(no.p! + yes.p! - 1) < 1e-12);
    assert.deepEqual([no.index, yes.index], [0, 1]);
  }
});

test('all independent labels are returned, each with its own probability', () => {
  const labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const card = { head: 'multi-label', labels } as const;
  const scores = scoresOf(card, Float64Array.of(0, 2, -2, 3, 3, -1, 1));
  assert.deepEqual(
    scores.map(({ label }) => label),
    ['d', 'e', 'b', 'g', 'a', 'f', 'c'],
  );
  assert.equal(scores[4].p, 0.5);
  assert.ok(scores.reduce((sum, { p }) => sum + p!, 0) > 3);
  assert.equal(scoresOf(card, new Float64Array(7), 2).length, 2);
});

test('values come as they are, in their order, and have no probability', () => {
  const card = { head: 'values', labels: ['height', 'width'] } as const;
  assert.deepEqual(scoresOf(card, Float64Array.of(-1.5, 7)), [
    { label: 'height', p: null, index: 0, value: -1.5 },
    { label: 'width', p: null, index: 1, value: 7 },
  ]);
});
