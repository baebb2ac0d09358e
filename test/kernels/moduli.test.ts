import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kernels } from '../../kernels/load.ts';
import { PrimePair } from '../../kernels/moduli.ts';

const PRIMES = [134111233, 134176769] as const;
const [P, Q] = PRIMES.map(BigInt);
const T = 2n ** 32n;
const LENGTH = 64;
const pair = new PrimePair(...PRIMES);
const { memory } = kernels();

const modulo = (value: bigint, prime: bigint) => ((value % prime) + prime) % prime;
const residues = (values: readonly bigint[]) =>
  [P, Q].map((prime) => place(values.map((x) => modulo(x, prime))));

function place(values: readonly bigint[]): Uint32Array<ArrayBuffer> {
  const view = memory.u32(values.length);
  view.set(values.map(Number));
  return view;
}

const listOf = (value: fc.Arbitrary<bigint>) => fc.array(value, { minLength: LENGTH, maxLength: LENGTH });
const word = fc.oneof(
  fc.constantFrom(0n, 1n, T / 2n - 1n, T / 2n, T / 2n + 1n, T - 1n),
  fc.bigInt(0n, T - 1n),
);

test('any word is reduced modulo either prime, to less than twice the prime', () => {
  fc.assert(
    fc.property(listOf(fc.oneof(word, fc.constantFrom(P, P - 1n, Q, 2n * Q - 1n))), (words) => {
      memory.scope(() => {
        const out = memory.u32(LENGTH);
        for (const i of [0, 1] as const) {
          pair.reduce(place(words), i, out);
          assert.ok(out.every((value) => value < 2 * PRIMES[i]));
          assert.deepEqual(
            [...out].map((value) => value % PRIMES[i]),
            words.map((value) => Number(value % BigInt(PRIMES[i]))),
          );
        }
      });
    }),
  );
});

test('a scaled word is the nearest multiple of Q / 2^32, plus its error, modulo either prime', () => {
  const error = fc.oneof(fc.constantFrom(-21n, 21n, 0n), fc.bigInt(-(2n ** 20n), 2n ** 20n));
  fc.assert(
    fc.property(listOf(word), listOf(error), (words, errors) => {
      memory.scope(() => {
        const [out, small] = [memory.u32(LENGTH), memory.i32(LENGTH)];
        small.set(errors.map(Number));
        for (const i of [0, 1] as const) {
          pair.scaleUp(place(words), small, i, out);
          assert.ok(out.every((value) => value < 4 * PRIMES[i]));
          const expected = words.map((m, at) => {
            const nearest = (P * Q * m + T / 2n - 1n) / T; // halves go down
            return Number(modulo(nearest + errors[at], BigInt(PRIMES[i])));
          });
          assert.deepEqual(
            [...out].map((value) => value % PRIMES[i]),
            expected,
          );
        }
      });
    }),
  );
});

test('a pair of residues is brought down to 32 bits with an error of at most 1/2 + 1/32', () => {
  const most = P * Q - 1n;
  const number = fc.oneof(
    fc.constantFrom(0n, 1n, most, most / 2n, most / 2n + 1n, P, Q, most - P),
    fc.bigInt(0n, most),
  );
  fc.assert(
    fc.property(listOf(number), (values) => {
      memory.scope(() => {
        const out = memory.u32(LENGTH);
        const [first, second] = residues(values);
        pair.scaleDown(first, second, out);
        for (const [i, x] of values.entries()) {
          // The distance to x * 2^32 / Q, in units of 1 / (32 Q), around the circle of 2^32 words.
          const circle = T * P * Q;
          const distance = modulo(BigInt(out[i]) * P * Q - x * T, circle);
          const least = distance < circle / 2n ? distance : circle - distance;
          assert.ok(32n * least <= 17n * P * Q, `${x} becomes ${out[i]}`);
        }
      });
    }),
    { numRuns: 300 },
  );
});

test('a plaintext that goes up and down again comes back', () => {
  fc.assert(
    fc.property(listOf(word), (words) => {
      memory.scope(() => {
        const none = memory.i32(LENGTH).fill(0);
        const [first, second, out] = [memory.u32(LENGTH), memory.u32(LENGTH), memory.u32(LENGTH)];
        pair.scaleUp(place(words), none, 0, first);
        pair.scaleUp(place(words), none, 1, second);
        pair.scaleDown(first, second, out);
        assert.deepEqual([...out], words.map(Number));
      });
    }),
  );
});

test('the integer of a pair of residues is right modulo 2^32 up to a quarter of Q, whatever its sign', () => {
  const most = (P * Q) / 4n - 1n;
  const extreme = 4096n * (T - 1n); // what a product of a ternary secret and a returned polynomial can reach
  const number = fc.oneof(
    fc.constantFrom(0n, 1n, -1n, most, -most, extreme, -extreme, P, -P, Q, -Q),
    fc.bigInt(-most, most),
  );
  fc.assert(
    fc.property(listOf(number), (values) => {
      memory.scope(() => {
        const out = memory.u32(LENGTH);
        const [first, second] = residues(values);
        pair.join(first, second, out);
        assert.deepEqual(
          [...out],
          values.map((value) => Number(BigInt.asUintN(32, value))),
        );
      });
    }),
    { numRuns: 300 },
  );
});
