import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inKernelMemory } from '../../crypto/hash.ts';
import { InnerProduct, MOST_PRODUCTS } from '../../kernels/inner-product.ts';

const PRIMES = [134111233, 134176769, 12289];
const N = 32;

/** The sums by unbounded integers, of polynomials of the given words. */
function check(q: number, terms: readonly (readonly [readonly number[], readonly number[]])[]): void {
  inKernelMemory((memory) => {
    const place = (words: readonly number[]) => {
      const view = memory.u32(N);
      view.set(words);
      return view;
    };
    const out = memory.u32(N).fill(7);
    new InnerProduct(q, N).sum(
      terms.map(([x, y]) => [place(x), place(y)]),
      out,
    );
    const expected = Array.from({ length: N }, (_, i) =>
      terms.reduce((sum, [x, y]) => sum + BigInt(x[i]) * BigInt(y[i]), 0n),
    );
    assert.deepEqual(
      [...out],
      expected.map((sum) => Number(sum % BigInt(q))),
    );
  });
}

test('sums of products equal those of unbounded integers', () => {
  for (const q of PRIMES) {
    const word = fc.oneof(fc.constantFrom(0, 1, q - 1, q >> 1), fc.nat(q - 1));
    const polynomial = fc.array(word, { minLength: N, maxLength: N });
    const terms = fc.array(fc.tuple(polynomial, polynomial), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(terms, (some) => check(q, some)),
      { numRuns: 30 },
    );
  }
});

test('a sum of as many products of the largest words as are allowed does not overflow', () => {
  const extremes = [0, 1, 2 ** 27 - 1];
  for (const q of PRIMES)
    for (const x of [...extremes, q - 1])
      for (const y of [...extremes, q - 1]) {
        const term = [new Array(N).fill(x), new Array(N).fill(y)] as const;
        check(q, new Array(MOST_PRODUCTS).fill(term));
      }
});

test('a sum of nothing is zero, and a sum may replace one of its factors', () => {
  const q = PRIMES[0];
  check(q, []);
  inKernelMemory((memory) => {
    const x = memory.u32(N).fill(q - 1);
    new InnerProduct(q, N).sum([[x, x]], x);
    assert.ok(x.every((word) => word === 1));
  });
});
