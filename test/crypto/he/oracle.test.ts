import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretKey } from '../../../crypto/he/keys.ts';
import { compareWithSeal, decryptFromSeal, encryptForSeal } from '../../../crypto/he/oracle/agreement.ts';
import { SealOracle } from '../../../crypto/he/oracle/seal.ts';
import { secretCoefficients } from '../../../crypto/he/oracle/secret-coefficients.ts';
import { DEGREE, PRIMES } from '../../../crypto/he/parameters.ts';
import { newSigned } from '../../../crypto/he/ring.ts';
import { Prg, randomSeed } from '../../../crypto/prg.ts';
import { kernels } from '../../../kernels/load.ts';

const oracle = await SealOracle.create();
const secret = secretCoefficients(oracle.transformedSecret);
const key = keyOf(secret);
const prg = new Prg(randomSeed(), 'oracle-test');

function keyOf(coefficients: Int32Array): SecretKey {
  return kernels().memory.scope(() => {
    const inside = newSigned();
    inside.set(coefficients);
    return new SecretKey(inside);
  });
}

const extremes = Uint32Array.from(
  { length: DEGREE },
  (_, i) => [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1][i % 5],
);

test('SEAL’s secret keys are ternary, as ours', () => {
  assert.ok(secret.every((coefficient) => Math.abs(coefficient) <= 1));
  for (const value of [-1, 0, 1]) {
    const count = secret.filter((coefficient) => coefficient === value).length;
    assert.ok(Math.abs(count - DEGREE / 3) < 250, `${count} coefficients of ${value}`);
  }
});

test('SEAL decrypts our ciphertexts, exactly', () => {
  for (const words of [prg.words(DEGREE), extremes])
    assert.deepEqual(oracle.decrypt(encryptForSeal(words, key, prg)), words);
});

test('we decrypt SEAL’s ciphertexts, to within the rounding error', () => {
  for (const words of [prg.words(DEGREE), extremes]) {
    const share = decryptFromSeal(oracle.encrypt(words), key);
    assert.ok(share.every((word, i) => Math.abs((word - words[i]) | 0) < 160));
  }
});

test('under another key neither decrypts the other', () => {
  const other = keyOf(secret.map((coefficient, i) => (i === 0 ? ((coefficient + 2) % 3) - 1 : coefficient)));
  const words = prg.words(DEGREE);
  const differs = (share: Uint32Array) =>
    share.filter((word, i) => Math.abs((word - words[i]) | 0) > 2 ** 20).length;
  assert.ok(differs(oracle.decrypt(encryptForSeal(words, other, prg))) > DEGREE / 2);
  assert.ok(differs(decryptFromSeal(oracle.encrypt(words), other)) > DEGREE / 2);
});

test('the errors of our fresh ciphertexts are as small as the sampler’s', () => {
  // c0 + c1 s = round(Q m / t) + e, so a plaintext of zeros leaves e alone: found by SEAL's decryption of a multiple of it.
  const zeros = new Uint32Array(DEGREE);
  const fresh = encryptForSeal(zeros, key, prg);
  // e * 2^15 is below Q / 2t = 2^21 for the errors' 6 bits, and decrypts to zeros; e * 2^20 does not.
  const scaled = (factor: number) =>
    fresh.map((word, i) =>
      Number((BigInt(word) * BigInt(factor)) % BigInt(PRIMES[Math.floor(i / DEGREE) % 2])),
    );
  assert.deepEqual(oracle.decrypt(scaled(2 ** 15)), zeros);
  const wrong = oracle.decrypt(scaled(2 ** 20)).filter((word) => word !== 0).length;
  // |e| >= 2 decrypts to something else: for a deviation of 3.24 that are two thirds or so.
  assert.ok(wrong > 0.5 * DEGREE && wrong < 0.9 * DEGREE, `${wrong} of ${DEGREE}`);
});

test('the check of `sphynx doctor` finds both in agreement', async () => {
  await compareWithSeal();
});
