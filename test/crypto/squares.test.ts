import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Gadget, gadgetBytes } from '../../crypto/garbling/gadget.ts';
import { subtractShares } from '../../crypto/ring.ts';
import {
  evaluateSquares,
  finishSquares,
  garbleSquares,
  keepSquares,
  squareChoices,
  squareLabels,
} from '../../crypto/squares/square.ts';
import { chooseLabels, expected, freshKeys, randomWords, rescale, samples } from './garbling/gadget-run.ts';

const square = (dropBits: number): Gadget => ({ ...rescale(dropBits), kind: 'square' });

/** Both roles on one chunk, with OT replaced by its result: z^2, and what each side received. */
function run(gadget: Gadget, x: Int32Array, b: Uint32Array, first = 0, keys = freshKeys()) {
  const count = x.length;
  const a = subtractShares(new Uint32Array(x), b);
  const bytes = gadgetBytes(gadget);
  const [masks, nextMasks] = [randomWords(count), randomWords(count)];
  const zero = new Uint8Array(randomBytes(16 * bytes.labels * count));
  const tables = garbleSquares(gadget, keys, first, count, zero);
  const labels = chooseLabels(zero, keys.delta, squareChoices(gadget, b, masks));
  const { nonce, layer } = keys;
  const kept = keepSquares(nonce, layer, first, count, masks, labels, tables);
  const online = squareLabels(gadget, keys, first, count, a);
  const input = {
    share: b,
    masks,
    nextMasks,
    tables: kept.tables,
    clientLabels: kept.labels,
    onlineLabels: online,
  };
  const reply = evaluateSquares(gadget, { nonce, layer, first, count }, input);
  const next = finishSquares(keys, first, count, reply);
  const output = next.map((word, e) => word + nextMasks[e]);
  return { a, tables, labels, kept, online, reply, output, bytes };
}

test('the result is the square of what Rescale gives, mod 2^32, for all shares and at the bounds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 26 }), fc.integer({ min: 1, max: 120 }), (dropBits, count) => {
      const gadget = square(dropBits);
      const { x, b } = samples(rescale(dropBits), count);
      const { a, output } = run(gadget, x, b, 1000);
      const rounded = expected(rescale(dropBits), x, a, b);
      assert.deepEqual(
        [...output],
        Array.from(rounded, (z) => Math.imul(z, z) >>> 0),
      );
    }),
    { numRuns: 60 },
  );
});

test('arrays have the lengths that the gadget states', () => {
  const gadget = square(12);
  const count = 37;
  const { tables, labels, kept, online, reply, bytes } = run(
    gadget,
    new Int32Array(count),
    randomWords(count),
  );
  assert.deepEqual(bytes, {
    labels: 33,
    tables: 86,
    kept: { labels: 16, tables: 20 },
    online: 20,
    reply: 8,
  });
  assert.deepEqual(
    [tables, labels, kept.labels, kept.tables, online, reply].map(({ length }) => length / count),
    [86, 16 * 33, 16, 20, 20, 8],
  );
});

test('what each party receives is uniform, whatever the values are', () => {
  const count = 2000;
  for (const value of [0, 12345 << 12]) {
    const { tables, online, reply } = run(
      square(12),
      new Int32Array(count).fill(value),
      new Uint32Array(count).fill(7),
    );
    for (const bytes of [tables, online, reply]) {
      const counts = new Float64Array(256);
      for (const byte of bytes) counts[byte]++;
      const mean = bytes.length / 256;
      const chiSquare = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
      assert.ok(Math.abs(chiSquare - 255) < 10 * Math.sqrt(2 * 255));
    }
  }
});

test('a reply of a wrong length, or tables of another chunk, are refused', () => {
  const gadget = square(12);
  const keys = freshKeys();
  assert.throws(() => finishSquares(keys, 0, 4, new Uint8Array(31)), { code: 'crypto/input' });
  assert.throws(() => garbleSquares(gadget, keys, 0, 4, new Uint8Array(16 * 4)), { code: 'crypto/input' });
  const words = new Uint32Array(4);
  const elements = { nonce: keys.nonce, layer: 0, first: 0, count: 4 };
  const input = {
    ...{ share: words, masks: words, nextMasks: words, tables: new Uint8Array(5) },
    ...{ clientLabels: new Uint8Array(64), onlineLabels: new Uint8Array(80) },
  };
  assert.throws(() => evaluateSquares(gadget, elements, input), { code: 'crypto/input' });
});
