import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Prg } from '../../crypto/prg.ts';
import { kernels } from '../../kernels/load.ts';
import {
  BINOMIAL_BYTES,
  sampleBelow,
  sampleBinomial,
  sampleTernary,
  TERNARY_BYTES,
} from '../../kernels/samplers.ts';

const { memory } = kernels();
const N = 4096;

/** Fixed bytes, so that no test of chance ever fails by chance. */
const stream = (label: string) => new Prg(new Uint8Array(32).fill(42), label);

const ternaryOf = (bytes: Uint8Array) => sampled(bytes, bytes.length / TERNARY_BYTES, sampleTernary);
const binomialOf = (bytes: Uint8Array) => sampled(bytes, bytes.length / BINOMIAL_BYTES, sampleBinomial);

function sampled(
  bytes: Uint8Array,
  length: number,
  sample: (random: Uint8Array, out: Int32Array) => void,
): Int32Array {
  return memory.scope(() => {
    const [random, out] = [memory.bytes(bytes.length), memory.i32(length)];
    random.set(bytes);
    sample(random, out);
    return out.slice();
  });
}

/** The chi-square statistic against expected counts, in standard deviations above its mean. */
function excess(counts: ArrayLike<number>, expected: (cell: number) => number): number {
  let chiSquare = 0;
  for (let cell = 0; cell < counts.length; cell++)
    chiSquare += (counts[cell] - expected(cell)) ** 2 / expected(cell);
  const freedom = counts.length - 1;
  return (chiSquare - freedom) / Math.sqrt(2 * freedom);
}

const LIMIT = 4;

test('ternary coefficients are the first digits in base 3 of 64-bit fractions, less 1', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const extremes = fc.constantFrom(new Uint8Array(32), new Uint8Array(32).fill(255));
  fc.assert(
    fc.property(fc.oneof(bytes, extremes), (random) => {
      const words = new BigUint64Array(random.slice().buffer);
      const coefficients = ternaryOf(random);
      for (const [i, word] of words.entries())
        for (let d = 0; d < 4; d++) {
          const digit = ((word * 3n ** BigInt(d + 1)) >> 64n) % 3n;
          assert.equal(coefficients[d * 4 + i], Number(digit) - 1);
        }
    }),
  );
});

test('ternary coefficients are uniform, and so are the four that share a word', () => {
  const prg = stream('ternary');
  const [single, joint] = [new Float64Array(3), new Float64Array(81)];
  const polynomials = 1000;
  for (let i = 0; i < polynomials; i++) {
    const coefficients = ternaryOf(prg.bytes(TERNARY_BYTES * N));
    for (const value of coefficients) single[value + 1]++;
    for (let j = 0; j < N / 4; j++) {
      const [a, b, c, d] = [0, 1, 2, 3].map((digit) => coefficients[digit * (N / 4) + j] + 1);
      joint[27 * a + 9 * b + 3 * c + d]++;
    }
  }
  assert.ok(excess(single, () => (polynomials * N) / 3) < LIMIT);
  assert.ok(excess(joint, () => (polynomials * N) / 4 / 81) < LIMIT);
  // A bias of five thousandths would be seen.
  single[0] += (0.005 * polynomials * N) / 3;
  assert.ok(excess(single, () => (polynomials * N) / 3) > LIMIT);
});

test('binomial coefficients are the difference of two counts of 21 bits', () => {
  const bytes = fc.uint8Array({ minLength: 24, maxLength: 24 });
  const extremes = fc.constantFrom(new Uint8Array(24), new Uint8Array(24).fill(255));
  fc.assert(
    fc.property(fc.oneof(bytes, extremes), (random) => {
      const view = new DataView(random.buffer, random.byteOffset);
      const ones = (bits: bigint) => bits.toString(2).replaceAll('0', '').length;
      const expected = [0, 1, 2, 3].map((i) => {
        const bits = BigInt(view.getUint32(4 * i, true)) | (BigInt(view.getUint16(16 + 2 * i, true)) << 32n);
        return ones(BigInt.asUintN(21, bits)) - ones(BigInt.asUintN(21, bits >> 21n));
      });
      assert.deepEqual([...binomialOf(random)], expected);
    }),
  );
});

test('binomial coefficients have the binomial distribution of 42 bits', () => {
  const prg = stream('binomial');
  const counts = new Float64Array(43);
  const polynomials = 1000;
  for (let i = 0; i < polynomials; i++)
    for (const value of binomialOf(prg.bytes(BINOMIAL_BYTES * N))) counts[value + 21]++;
  const choose = (k: number): number => (k === 0 ? 1 : (choose(k - 1) * (43 - k)) / k);
  const expected = counts.map((_, k) => (polynomials * N * choose(k)) / 2 ** 42);
  // Cells that expect fewer than ten are one cell at each end.
  const first = expected.findIndex((count) => count >= 10);
  const pooled = (cells: Float64Array) => [
    cells.subarray(0, first).reduce((a, b) => a + b),
    ...cells.subarray(first, 43 - first),
    cells.subarray(43 - first).reduce((a, b) => a + b),
  ];
  const wanted = pooled(expected);
  assert.ok(excess(pooled(counts), (cell) => wanted[cell]) < LIMIT);
  const variance = counts.reduce((sum, count, k) => sum + count * (k - 21) ** 2, 0) / (polynomials * N);
  assert.ok(Math.abs(variance - 10.5) < 0.05, `${variance}`);
});

test('words below a prime are the low bits of random words, in order, without those that are not below it', () => {
  const words = fc.array(fc.oneof(fc.nat(2 ** 32 - 1), fc.constantFrom(134111232, 134111233, 2 ** 27 - 1)), {
    minLength: 20,
    maxLength: 20,
  });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 24 }), (random, room) => {
      memory.scope(() => {
        const [source, out] = [memory.u32(20), memory.u32(room + 1).fill(7)];
        source.set(random);
        const expected = random
          .map((word) => word % 2 ** 27)
          .filter((word) => word < 134111233)
          .slice(0, room);
        assert.equal(sampleBelow(source, out.subarray(0, room), 134111233), expected.length);
        assert.deepEqual([...out.subarray(0, expected.length)], expected);
        assert.equal(out[room], 7, 'nothing is written behind the room');
      });
    }),
  );
});

test('words below a prime are uniform', () => {
  const prg = stream('below');
  const q = 134111233;
  const [high, low] = [new Float64Array(1021), new Float64Array(256)];
  let total = 0;
  for (let i = 0; i < 250; i++)
    memory.scope(() => {
      const [source, out] = [memory.u32(4 * N), memory.u32(4 * N)];
      source.set(prg.words(4 * N));
      const written = sampleBelow(source, out, q);
      assert.ok(out.subarray(0, written).every((word) => word < q));
      for (const word of out.subarray(0, written)) {
        high[Math.floor((word * 1021) / q)]++;
        low[word & 255]++;
      }
      total += written;
    });
  assert.ok(excess(high, () => total / 1021) < LIMIT);
  assert.ok(excess(low, () => total / 256) < LIMIT);
});

test('the polynomials of a fixed stream are known', () => {
  const bytes = stream('known').bytes(6 * N);
  const hash = (values: Int32Array) =>
    createHash('sha256').update(new Uint8Array(values.buffer)).digest('hex');
  assert.equal(
    hash(ternaryOf(bytes.subarray(0, 2 * N))),
    '331a5d9ea3521aa3db656a2cc21a0447ed3a56ff37ceb013886097e9cb854c94',
  );
  assert.equal(hash(binomialOf(bytes)), 'f309c9b583ddf5e99a5012108b8dad74243429f813106a2f528da685b5ac6bb7');
});
