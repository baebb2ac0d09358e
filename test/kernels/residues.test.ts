import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kernels } from '../../kernels/load.ts';
import { narrow, PrimePair, packBits, unpackBits, widen } from '../../kernels/residues.ts';

const P = 1073651713;
const Q = 1073668097;
const { memory } = kernels();

/** 64-bit words in kernel memory. */
function place(values: readonly bigint[]): Uint8Array<ArrayBuffer> {
  const view = memory.bytes(8 * values.length);
  view.set(new Uint8Array(BigUint64Array.from(values).buffer));
  return view;
}

const read = (view: Uint8Array) => [...new BigUint64Array(view.slice().buffer)];

const modulo = (value: bigint, prime: number) => value % BigInt(prime);

test('packing keeps the low bits of every word, least significant first, and unpacking brings them back', () => {
  const cases = fc.integer({ min: 1, max: 56 }).chain((bits) =>
    fc.record({
      bits: fc.constant(bits),
      values: fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { minLength: 1, maxLength: 70 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ bits, values }) => {
      memory.scope(() => {
        const low = values.map((value) => BigInt.asUintN(bits, value));
        const whole = low.reduce((sum, value, i) => sum | (value << BigInt(i * bits)), 0n);
        const length = Math.ceil((values.length * bits) / 8);
        const packed = memory.bytes(length + 1).fill(0xaa);
        packBits(place(values), values.length, bits, packed);
        const expected = Array.from({ length }, (_, i) => Number((whole >> BigInt(8 * i)) & 255n));
        assert.deepEqual([...packed], [...expected, 0xaa]);
        const out = memory.bytes(8 * values.length);
        unpackBits(packed, values.length, bits, out);
        assert.deepEqual(read(out), low);
      });
    }),
  );
});

test('narrow words become wide ones and back', () => {
  memory.scope(() => {
    const words = memory.u32(8);
    words.set([0, 1, 2 ** 32 - 1, 2 ** 31, 5, 6, 7, 8]);
    const wide = memory.bytes(64);
    widen(words, wide);
    assert.deepEqual(read(wide), [...words].map(BigInt));
    const back = memory.u32(8);
    narrow(wide, back);
    assert.deepEqual([...back], [...words]);
  });
});

test('a pair of residues is rounded as the number it stands for', () => {
  const pair = new PrimePair(P, Q);
  const most = BigInt(P) * BigInt(Q) - 1n;
  const number = fc.oneof(fc.constantFrom(0n, 1n, most, BigInt(P), BigInt(Q)), fc.bigInt(0n, most));
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), fc.nat(30), (values, drop) => {
      memory.scope(() => {
        const out = memory.bytes(8 * values.length);
        pair.round(
          place(values.map((value) => modulo(value, P))),
          place(values.map((value) => modulo(value, Q))),
          drop,
          out,
        );
        const half = (1n << BigInt(drop)) / 2n;
        assert.deepEqual(
          read(out),
          values.map((value) => (value + half) >> BigInt(drop)),
        );
      });
    }),
  );
});

test('a shifted number has the residues of its multiple', () => {
  const pair = new PrimePair(P, Q);
  fc.assert(
    fc.property(
      fc.array(fc.bigInt(0n, 2n ** 42n - 1n), { minLength: 1, maxLength: 40 }),
      fc.nat(22),
      (values, shift) => {
        memory.scope(() => {
          const [first, second] = [memory.bytes(8 * values.length), memory.bytes(8 * values.length)];
          pair.shift(place(values), shift, first, second);
          const shifted = values.map((value) => value << BigInt(shift));
          assert.deepEqual(
            [read(first), read(second)],
            [shifted.map((value) => modulo(value, P)), shifted.map((value) => modulo(value, Q))],
          );
        });
      },
    ),
  );
});
