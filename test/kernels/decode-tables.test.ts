import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evaluatePair, garblePair, PAIR_ROW_BYTES, pairInputs } from '../../kernels/decode-tables.ts';
import { colour, inWorkspace, place, randomBlocks, sigma, toBlocks } from '../support/block-reference.ts';

const word = (block: bigint) => Number(block & 0xffffffffn);
const VALUES = [
  [0n, 0n],
  [0n, 1n],
  [1n, 0n],
  [1n, 1n],
];

test('the inputs of the two-key hash are s(x) xor s(s(y)) xor the index, for all pairs of values', () => {
  fc.assert(
    fc.property(place, ({ count, first }) => {
      const [x, y] = [randomBlocks(count), randomBlocks(count)];
      const [delta] = randomBlocks(1);
      const input = (e: number, vx: bigint, vy: bigint) =>
        sigma(x[e] ^ (vx * delta)) ^ sigma(sigma(y[e] ^ (vy * delta))) ^ BigInt(first + e);
      inWorkspace(({ put, room }) => {
        const all = room(4 * count);
        pairInputs(put(x), put(y), put([delta]), all, count, first);
        assert.deepEqual(
          toBlocks(all),
          VALUES.flatMap(([vx, vy]) => x.map((_, e) => input(e, vx, vy))),
        );
        const held = room(count);
        pairInputs(put(x), put(y), null, held, count, first);
        assert.deepEqual(
          toBlocks(held),
          x.map((_, e) => input(e, 0n, 0n)),
        );
      });
    }),
  );
});

test('a table hides sigma plus value under the two labels, and sigma is taken off the correction', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), (count) => {
      const delta = randomBlocks(1)[0] | 1n;
      const [x, y] = [randomBlocks(count), randomBlocks(count)];
      const hashes = randomBlocks(4 * count);
      const values = randomBlocks(4).map(word);
      inWorkspace(({ memory, put }) => {
        const plain = memory.u32(4);
        plain.set(values);
        const rows = memory.bytes(PAIR_ROW_BYTES * count);
        const behind = memory.bytes(16).fill(0xa5);
        const corrections = memory.u32(count).fill(1000);
        const inputs = randomBlocks(4 * count);
        const ciphers = hashes.map((hash, i) => hash ^ inputs[i]);
        garblePair(put(x), put(y), put(inputs), put(ciphers), plain, rows, corrections);
        const table = new Uint32Array(rows.slice().buffer);
        assert.ok(
          behind.every((byte) => byte === 0xa5),
          'nothing is written behind the rows',
        );
        for (const [plane, [vx, vy]] of VALUES.entries()) {
          const held = (labels: bigint[], value: bigint) => labels.map((label) => label ^ (value * delta));
          const [heldX, heldY] = [held(x, vx), held(y, vy)];
          const pads = hashes.slice(plane * count, (plane + 1) * count);
          const rowOf = (e: number) => 2 * colour(heldX[e]) + colour(heldY[e]);
          const expected = pads.map((_, e) => (1000 - corrections[e] + values[plane]) >>> 0);
          assert.deepEqual(
            pads.map((pad, e) => ((rowOf(e) === 0 ? 0 : table[3 * e + rowOf(e) - 1]) ^ word(pad)) >>> 0),
            expected,
          );
          const sums = memory.u32(count).fill(2 ** 32 - 5);
          const heldInputs = inputs.slice(plane * count, (plane + 1) * count);
          const cipher = pads.map((pad, e) => pad ^ heldInputs[e]);
          evaluatePair(put(heldX), put(heldY), put(heldInputs), put(cipher), rows, sums);
          assert.deepEqual(
            [...sums],
            expected.map((opened) => (opened - 5) >>> 0),
          );
        }
      });
    }),
  );
});
