import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeClient } from '../../../crypto/he/client.ts';
import { planHe } from '../../../crypto/he/packing.ts';
import {
  INPUT_CIPHERTEXT_BYTES,
  PARAMETERS_HASH,
  PRIMES,
  PUBLIC_KEY_BYTES,
} from '../../../crypto/he/parameters.ts';
import { HeServer } from '../../../crypto/he/server.ts';

const seed = new Uint8Array(16).fill(1);
const client = new HeClient(seed);
const server = new HeServer(seed, client.publicKey);
const shape = { channels: 3, height: 4, width: 4 };
const term = {
  tensor: 0,
  kernelHeight: 3,
  kernelWidth: 3,
  strideY: 1,
  strideX: 1,
  padTop: 1,
  padLeft: 1,
  groups: 1,
};
const plan = planHe([shape], [{ output: shape, terms: [term] }]);
const [packing] = plan.tensors;
const [part] = plan.layers[0].parts;
const mask = Uint32Array.from({ length: 48 }, (_, i) => i * 89478485);
const ciphertexts = client.encryptTensor(packing, mask);
const input = server.loadTensor(packing, ciphertexts);
const weights = new Int32Array(81).fill(5);

const refused = { code: 'crypto/parameters' };
const misused = { code: 'crypto/input' };

/** The same bytes with the 27-bit residue `index` behind `start` bytes set to `value`. */
function withResidue(bytes: Uint8Array, index: number, value: number, start = 0): Uint8Array {
  const copy = bytes.slice();
  for (let bit = 0; bit < 27; bit++) {
    const at = 8 * start + 27 * index + bit;
    const mask = 1 << (at & 7);
    copy[at >> 3] = (copy[at >> 3] & ~mask) | ((value >> bit) & 1 ? mask : 0);
  }
  return copy;
}

test('the parameters are pinned: both parties agree on them by this hash', () => {
  assert.equal(PARAMETERS_HASH, 'e62f0927066867e92538bc57acf4f95d8b296da1b5e28765e0aebe997a66e432');
  for (const prime of PRIMES) {
    assert.equal(prime % 8192, 1);
    assert.ok(prime < 2 ** 27);
    for (let divisor = 3; divisor * divisor <= prime; divisor += 2) assert.notEqual(prime % divisor, 0);
  }
});

test('a public key of another length, or with a word that is not below its prime, is refused', () => {
  const serverFor = (publicKey: Uint8Array) => new HeServer(seed, publicKey);
  assert.equal(client.publicKey.length, PUBLIC_KEY_BYTES);
  assert.throws(() => serverFor(client.publicKey.subarray(1)), refused);
  assert.throws(() => serverFor(new Uint8Array(PUBLIC_KEY_BYTES + 1)), refused);
  assert.throws(() => serverFor(new Uint8Array(0)), refused);
  assert.throws(() => serverFor(new Uint8Array(PUBLIC_KEY_BYTES).fill(255)), refused);
  for (const [p, prime] of PRIMES.entries()) {
    assert.throws(() => serverFor(withResidue(client.publicKey, 4096 * p + 17, prime)), refused);
    serverFor(withResidue(client.publicKey, 4096 * p + 17, prime - 1)).close();
  }
});

test('a seed of the public key of another length is refused', () => {
  for (const length of [0, 15, 17, 32]) assert.throws(() => new HeClient(new Uint8Array(length)), refused);
});

test('ciphertexts of another length, or with a word that is not below its prime, are refused', () => {
  assert.equal(ciphertexts.length, 16 + packing.ciphertexts * INPUT_CIPHERTEXT_BYTES);
  assert.throws(() => server.loadTensor(packing, ciphertexts.subarray(1)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(ciphertexts.length + 1)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(0)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(ciphertexts.length).fill(255)), refused);
  for (const [p, prime] of PRIMES.entries())
    for (const index of [4096 * p, 4096 * p + 4095]) {
      assert.throws(() => server.loadTensor(packing, withResidue(ciphertexts, index, prime, 16)), refused);
      server.loadTensor(packing, withResidue(ciphertexts, index, prime - 1, 16));
    }
});

test('returned ciphertexts of another length are refused, and any bytes of the right one decrypt to something', () => {
  const returned = server.evaluatePart(part, [weights], [input], mask);
  assert.throws(() => client.decryptPart(part, returned.subarray(1)), refused);
  assert.throws(() => client.decryptPart(part, new Uint8Array(returned.length + 1)), refused);
  assert.equal(client.decryptPart(part, new Uint8Array(returned.length).fill(255)).length, 48);
});

test('arguments that do not fit the plan are refused', () => {
  assert.throws(() => client.encryptTensor(packing, mask.subarray(1)), misused);
  assert.throws(() => server.evaluatePart(part, [], [input], mask), misused);
  assert.throws(() => server.evaluatePart(part, [weights], [], mask), misused);
  assert.throws(() => server.evaluatePart(part, [weights.subarray(1)], [input], mask), misused);
  assert.throws(() => server.evaluatePart(part, [weights], [input], mask.subarray(1)), misused);
});

test('weights that no prime holds are refused', () => {
  for (const weight of [2 ** 26 + 1, -(2 ** 26) - 1, 2 ** 31 - 1, -(2 ** 31)]) {
    const large = weights.slice();
    large[80] = weight;
    assert.throws(() => server.evaluatePart(part, [large], [input], mask), refused);
  }
});

test('a closed key encrypts and decrypts nothing: under zeros the mask would be plain', () => {
  const closing = new HeClient(seed);
  closing.close();
  const over = { code: 'protocol/order' };
  assert.throws(() => closing.encryptTensor(packing, mask), over);
  assert.throws(() => closing.decryptPart(part, new Uint8Array(part.bytes)), over);
});
