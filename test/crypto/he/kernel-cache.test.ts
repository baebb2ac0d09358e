import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelCache } from '../../../crypto/he/kernel-cache.ts';

const weights = () => new Int32Array(4);
const transformed = (value: number) =>
  [new Uint32Array(128).fill(value), new Uint32Array(128).fill(value)] as const;

test('a kernel is transformed once, and later transforms of other memory do not change it', () => {
  const cache = new KernelCache(2000);
  const memory = transformed(7);
  const key = weights();
  cache.get(key, '0/0', () => memory);
  for (const words of memory) words.fill(9);
  const again = cache.get(key, '0/0', () => assert.fail('it was transformed again'));
  assert.deepEqual(again, transformed(7));
});

test('kernels of other places and other arrays are others', () => {
  const cache = new KernelCache(10_000);
  const [a, b] = [weights(), weights()];
  cache.get(a, '0/0', () => transformed(1));
  assert.deepEqual(
    cache.get(a, '0/1', () => transformed(2)),
    transformed(2),
  );
  assert.deepEqual(
    cache.get(b, '0/0', () => transformed(3)),
    transformed(3),
  );
  assert.deepEqual(
    cache.get(a, '0/0', () => null),
    transformed(1),
  );
});

test('what finds no room is transformed every time, and what is kept stays', () => {
  const cache = new KernelCache(1500);
  const key = weights();
  cache.get(key, 'kept', () => transformed(1));
  for (let i = 2; i < 5; i++)
    assert.deepEqual(
      cache.get(key, 'late', () => transformed(i)),
      transformed(i),
    );
  assert.deepEqual(
    cache.get(key, 'kept', () => null),
    transformed(1),
  );
});

test('a kernel without coefficients is remembered as such', () => {
  const cache = new KernelCache(1000);
  const key = weights();
  cache.get(key, '0/0', () => null);
  assert.equal(
    cache.get(key, '0/0', () => assert.fail('it was placed again')),
    null,
  );
});
