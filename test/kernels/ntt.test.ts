import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { inKernelMemory } from '../../crypto/hash.ts';
import { NttPrime } from '../../kernels/ntt.ts';

const PRIMES = [134111233, 134176769, 1073692673].map((q) => new NttPrime(q, 4096));
const SMALL = PRIMES.flatMap(({ q }) => [8, 16].map((n) => new NttPrime(q, n)));

const randomWords = (n: number, q: number) =>
  Uint32Array.from({ length: n }, () => randomBytes(4).readUInt32LE() % q);

/** The product modulo X^n + 1, by definition. */
function negacyclic(x: Uint32Array, y: Uint32Array, q: number): Uint32Array {
  const n = x.length;
  const out = new Array<bigint>(n).fill(0n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      const product = BigInt(x[i]) * BigInt(y[j]);
      out[(i + j) % n] += i + j < n ? product : -product;
    }
  return Uint32Array.from(out, (value) => Number(((value % BigInt(q)) + BigInt(q)) % BigInt(q)));
}

/** The same by transforms. */
function product(prime: NttPrime, x: Uint32Array, y: Uint32Array): Uint32Array {
  return inKernelMemory((memory) => {
    const [a, b] = [memory.u32(prime.n), memory.u32(prime.n)];
    a.set(x);
    b.set(y);
    prime.forward(a);
    prime.forward(b);
    for (let i = 0; i < a.length; i++) a[i] = Number((BigInt(a[i]) * BigInt(b[i])) % BigInt(prime.q));
    prime.inverse(a);
    return a.slice();
  });
}

test('a product of transforms is the negacyclic product, for random and extreme words', () => {
  for (const prime of SMALL) {
    const word = fc.oneof(fc.constantFrom(0, 1, prime.q - 1, prime.q >> 1), fc.nat(prime.q - 1));
    const polynomial = fc.array(word, { minLength: prime.n, maxLength: prime.n });
    fc.assert(
      fc.property(polynomial, polynomial, (x, y) => {
        const [a, b] = [Uint32Array.from(x), Uint32Array.from(y)];
        assert.deepEqual(product(prime, a, b), negacyclic(a, b, prime.q));
      }),
    );
  }
});

test('at 4096 points X^i times X^j has the right place and sign', () => {
  for (const prime of PRIMES)
    for (const [i, j] of [
      [0, 0],
      [1, 4095],
      [4095, 4095],
      [17, 2000],
      [2048, 2048],
    ]) {
      const unit = (at: number) => Uint32Array.from({ length: 4096 }, (_, k) => (k === at ? 1 : 0));
      const expected = new Uint32Array(4096);
      expected[(i + j) % 4096] = i + j < 4096 ? 1 : prime.q - 1;
      assert.deepEqual(product(prime, unit(i), unit(j)), expected);
    }
});

test('the inverse transform undoes the forward one, also for words up to 4q', () => {
  for (const prime of PRIMES)
    inKernelMemory((memory) => {
      const words = randomWords(4096, prime.q);
      words.set([0, prime.q - 1, 1]);
      const a = memory.u32(4096);
      a.set(words.map((word, i) => word + (i % 4) * prime.q));
      prime.forward(a);
      assert.ok(a.every((word) => word < prime.q));
      prime.inverse(a);
      assert.deepEqual(a.slice(), words);
    });
});

test('signed values and additions are reduced right', () => {
  for (const prime of PRIMES)
    inKernelMemory((memory) => {
      const q = BigInt(prime.q);
      const modulo = (value: bigint) => Number(((value % q) + q) % q);
      const values = memory.i32(4096);
      values.set(Int32Array.from({ length: 4096 }, (_, i) => ((i % 3 === 0 ? -1 : 1) * (i * 7919)) % 1000));
      const lifted = memory.u32(4096);
      prime.liftSigned(values, lifted);
      assert.deepEqual(
        [...lifted],
        [...values].map((value) => modulo(BigInt(value))),
      );
      const words = memory.u32(4096);
      words.set(randomWords(4096, prime.q));
      words.set([prime.q - 1, prime.q - 1, 0]);
      lifted.set([prime.q - 1, 1, 0]);
      const before = words.slice();
      prime.add(words, lifted);
      assert.deepEqual(
        [...words],
        [...before].map((word, i) => modulo(BigInt(word) + BigInt(lifted[i]))),
      );
    });
});
