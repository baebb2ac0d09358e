import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import {
  type Argmax,
  argmaxBytes,
  argmaxChoices,
  argmaxHash,
  argmaxServerLabels,
  evaluateArgmax,
  garbleArgmax,
  MAX_ARGMAX,
} from '../../../crypto/garbling/argmax.ts';
import { andGates } from '../../../crypto/garbling/argmax-circuit.ts';
import { GateHash } from '../../../crypto/hash.ts';
import { subtractShares } from '../../../crypto/ring.ts';
import type { SphynxError } from '../../../errors/sphynx-error.ts';
import { toBlocks } from '../../support/block-reference.ts';
import { allKept, chooseLabels, freshKeys, randomWords } from './gadget-run.ts';

/** Both roles in one process, with OT replaced by its result. */
function run(logits: Int32Array, classes: number, b = randomWords(logits.length), keys = freshKeys()) {
  const argmax: Argmax = { logits: logits.length, classes };
  const a = subtractShares(new Uint32Array(logits), b);
  const zero = new Uint8Array(randomBytes(16 * argmaxBytes(argmax).labels));
  const tables = garbleArgmax(argmax, keys, zero);
  const labels = chooseLabels(zero, keys.delta, argmaxChoices(argmax, b));
  const online = argmaxServerLabels(argmax, keys, a);
  const open = (held = labels, sent = online, rows = tables) =>
    evaluateArgmax(argmax, argmaxHash(argmax, keys), rows, held, sent);
  return { argmax, keys, tables, labels, online, open, found: open() };
}

/** Indices of the largest, of equal ones the first. */
function plain(logits: Int32Array, classes: number): number[] {
  const order = [...logits.keys()].sort((i, j) => logits[j] - logits[i] || i - j);
  return order.slice(0, classes);
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const edges = fc.constantFrom(-(2 ** 31), -(2 ** 31) + 1, -2, -1, 0, 1, 2, 2 ** 31 - 2, 2 ** 31 - 1);

test('the largest logits in falling order, for any logits, shares and number of classes, ties included', () => {
  const logits = fc.oneof(
    fc.array(word, { minLength: 1, maxLength: 40 }),
    fc.array(edges, { minLength: 1, maxLength: 40 }),
    fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 70 }),
  );
  fc.assert(
    fc.property(logits, fc.nat(6), fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1, null), (list, more, share) => {
      const words = Int32Array.from(list);
      const classes = 1 + (more % words.length);
      const b = share === null ? randomWords(words.length) : new Uint32Array(words.length).fill(share);
      assert.deepEqual(run(words, classes, b).found, plain(words, classes));
    }),
    { numRuns: 120 },
  );
});

test('every number of logits up to 20, wherever the largest stands', () => {
  for (let n = 1; n <= 20; n++)
    for (const top of new Set([0, n >> 2, n >> 1, n - 2, n - 1].filter((i) => i >= 0))) {
      const logits = Int32Array.from({ length: n }, (_, i) => (i === top ? 5 : -i));
      assert.deepEqual(run(logits, 1).found, [top]);
    }
});

test('equal logits come out in the order of their classes, all of them if asked for', () => {
  assert.deepEqual(run(new Int32Array(9).fill(-7), 9).found, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('a thousand classes', () => {
  const logits = new Int32Array(randomWords(1000));
  assert.deepEqual(run(logits, 5).found, plain(logits, 5));
});

test('what a run costs: adders and one tournament of comparisons and choices, 32 bytes per gate', () => {
  // 100 logits: 31 gates to add each, 99 comparisons of 32, 98 choices of 32, and 94 gates for the index.
  const gates = 31 * 100 + 32 * 99 + 32 * 98 + (25 + 2 * 12 + 3 * 6 + 4 * 3 + 5 * 2 + 6 * 1);
  const cost = argmaxBytes({ logits: 100, classes: 1 });
  assert.deepEqual(cost, { ...allKept({ labels: 3200, tables: 32 * gates + 7, online: 51207 }), reply: 0 });
  const { tables, labels, online } = run(new Int32Array(100), 1);
  assert.deepEqual([tables.length, labels.length, online.length], [cost.tables, 51200, 51207]);
  assert.deepEqual(argmaxBytes({ logits: 1, classes: 1 }), {
    ...allKept({ labels: 32, tables: 31 * 32, online: 512 }),
    reply: 0,
  });
});

test('the evaluator never meets two labels of a wire', () => {
  const { keys, tables, labels, online } = run(new Int32Array(30).fill(3), 3);
  const [delta] = toBlocks(keys.delta);
  const rows = tables.subarray(0, Math.floor(tables.length / 16) * 16);
  const sent = online.subarray(0, Math.floor(online.length / 16) * 16);
  const received = [rows, labels, sent].flatMap(toBlocks);
  const seen = new Set(received);
  assert.equal(seen.size, received.length);
  for (const block of received) assert.ok(!seen.has(block ^ delta));
});

test('no hash key serves two batches of gates, and none is left over', () => {
  const { argmax, keys, open } = run(new Int32Array(13), 3);
  const purposes: number[] = [];
  const { cipher } = GateHash.prototype;
  const spy = mock.method(
    GateHash.prototype,
    'cipher',
    function (this: GateHash, ...call: Parameters<GateHash['cipher']>) {
      purposes.push(call[0]);
      cipher.apply(this, call);
    },
  );
  const walks = [() => open(), () => garbleArgmax(argmax, keys, new Uint8Array(16 * 32 * 13))];
  try {
    for (const walk of walks) {
      purposes.length = 0;
      walk();
      const gates = [...andGates(13, 3)].length;
      assert.deepEqual(
        purposes.toSorted((a, b) => a - b),
        [...Array(2 * gates).keys()],
      );
    }
  } finally {
    spy.mock.restore();
  }
});

test('the colours of what the evaluator receives spread evenly, whatever the logits are', () => {
  for (const logits of [new Int32Array(200), new Int32Array(200).fill(-1)]) {
    const { tables, online } = run(logits, 1, new Uint32Array(200));
    for (const blocks of [tables, online]) {
      let ones = 0;
      const count = Math.floor(blocks.length / 16);
      for (let i = 0; i < count; i++) ones += blocks[16 * i] & 1;
      assert.ok(Math.abs(ones - count / 2) < 8 * Math.sqrt(count / 4));
    }
  }
});

test('the tables alone do not tell the result: its colours are masked until the labels come', () => {
  const logits = Int32Array.from({ length: 64 }, (_, i) => (i === 40 ? 100 : i));
  const { tables, online, open, found } = run(logits, 1);
  const bits = online.length - 16 * 32 * 64;
  assert.equal(bits, 6);
  const flipped = online.map((byte, i) => (i >= online.length - bits ? byte ^ 1 : byte));
  assert.deepEqual(open(undefined, flipped), [found[0] ^ 63]);
  const ends = Array.from({ length: 200 }, () => {
    const other = run(logits, 1);
    return [other.tables, other.online].map((sent) => sent.subarray(sent.length - bits).join());
  });
  for (const side of [0, 1]) assert.ok(new Set(ends.map((end) => end[side])).size > 40);
  assert.equal(tables.length % 16, bits);
});

test('labels of another bundle open no class, or one that means nothing', () => {
  const logits = Int32Array.from({ length: 64 }, (_, i) => (i === 40 ? 100 : i));
  const own = run(logits, 10);
  const other = run(logits, 10);
  for (const open of [
    () => own.open(other.labels),
    () => own.open(undefined, other.online),
    () => own.open(undefined, undefined, other.tables),
  ])
    assert.notDeepEqual(openedOrNone(open), own.found);
});

/** What labels open; none if they are refused. */
function openedOrNone(open: () => number[]): number[] {
  try {
    return open();
  } catch (error) {
    assert.equal((error as SphynxError).code, 'crypto/input');
    return [];
  }
}

test('what is no index is refused: wrong labels of 65 classes give one of 128 numbers each', () => {
  const { open } = run(new Int32Array(65), 30);
  assert.throws(() => open(new Uint8Array(randomBytes(16 * 32 * 65))), { code: 'crypto/input' });
});

test('an index that comes twice is refused: wrong labels of 32 classes give no order of them', () => {
  const { open } = run(new Int32Array(32), 32);
  assert.throws(() => open(new Uint8Array(randomBytes(16 * 32 * 32))), { code: 'crypto/input' });
});

test('wrong lengths and counts are refused', () => {
  const { argmax, keys, tables, labels, online } = run(new Int32Array(5), 2);
  const hash = argmaxHash(argmax, keys);
  const cut = (bytes: Uint8Array) => bytes.subarray(1);
  for (const refused of [
    () => garbleArgmax(argmax, keys, cut(labels)),
    () => argmaxServerLabels(argmax, keys, new Uint32Array(4)),
    () => argmaxChoices(argmax, new Uint32Array(6)),
    () => evaluateArgmax(argmax, hash, cut(tables), labels, online),
    () => evaluateArgmax(argmax, hash, tables, cut(labels), online),
    () => evaluateArgmax(argmax, hash, tables, labels, cut(online)),
    () => argmaxBytes({ logits: MAX_ARGMAX + 1, classes: 1 }),
    () => argmaxBytes({ logits: MAX_ARGMAX / 4, classes: 5 }),
    ...[0, 6, 1.5, Number.NaN].map((classes) => () => argmaxBytes({ logits: 5, classes })),
  ])
    assert.throws(refused, { code: 'crypto/input' });
});
