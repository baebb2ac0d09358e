import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeClient } from '../../../crypto/he/client.ts';
import { planHe } from '../../../crypto/he/packing.ts';
import {
  DATA_PRIMES,
  INPUT_CIPHERTEXT_BYTES,
  PARAMETERS_HASH,
  PUBLIC_KEY_BYTES,
  parametersHash,
} from '../../../crypto/he/parameters.ts';
import { HeServer } from '../../../crypto/he/server.ts';

const client = await HeClient.create();
const server = await HeServer.create(client.publicKey);
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
const plan = planHe([shape], [{ output: shape, weightNorm: 4096, terms: [term] }]);
const [packing] = plan.tensors;
const [part] = plan.layers[0].parts;
const mask = Uint32Array.from({ length: 48 }, (_, i) => i * 89478485);
const ciphertexts = client.encryptTensor(packing, mask);
const input = server.loadTensor(packing, ciphertexts);
const weights = new Int32Array(81).fill(5);

const refused = { code: 'crypto/parameters' };
const misused = { code: 'crypto/input' };

/** The same bytes with the 30-bit residue `index` set to `value`. */
function withResidue(bytes: Uint8Array, index: number, value: number): Uint8Array {
  const copy = bytes.slice();
  for (let bit = 0; bit < 30; bit++) {
    const at = 30 * index + bit;
    const mask = 1 << (at & 7);
    copy[at >> 3] = (copy[at >> 3] & ~mask) | ((value >> bit) & 1 ? mask : 0);
  }
  return copy;
}

test('the parameters are pinned: both parties agree on them by this hash', () => {
  assert.equal(PARAMETERS_HASH, 'c29faa7209fb8432c940b12b577a0a6ef3bff19e1849f8a796ea41cb4850e094');
  const others = [...DATA_PRIMES, 417793];
  assert.equal(parametersHash('bfv', 4096, others, 2n ** 32n), PARAMETERS_HASH);
  assert.notEqual(parametersHash('bgv', 4096, others, 2n ** 32n), PARAMETERS_HASH);
  assert.notEqual(parametersHash('bfv', 8192, others, 2n ** 32n), PARAMETERS_HASH);
  assert.notEqual(parametersHash('bfv', 4096, others.toReversed(), 2n ** 32n), PARAMETERS_HASH);
  assert.notEqual(parametersHash('bfv', 4096, others, 2n ** 31n), PARAMETERS_HASH);
});

test('a public key of another length, or with a residue that is no residue, is refused', async () => {
  assert.equal(client.publicKey.length, PUBLIC_KEY_BYTES);
  await assert.rejects(HeServer.create(client.publicKey.subarray(1)), refused);
  await assert.rejects(HeServer.create(new Uint8Array(PUBLIC_KEY_BYTES + 1)), refused);
  await assert.rejects(HeServer.create(new Uint8Array(0)), refused);
  await assert.rejects(HeServer.create(new Uint8Array(PUBLIC_KEY_BYTES).fill(255)), refused);
  for (const [p, prime] of [...DATA_PRIMES, 417793].entries()) {
    await assert.rejects(HeServer.create(withResidue(client.publicKey, 4096 * p + 17, prime)), refused);
    (await HeServer.create(withResidue(client.publicKey, 4096 * p + 17, prime - 1))).close();
  }
});

test('ciphertexts of another length, or with a residue that is no residue, are refused', () => {
  assert.equal(ciphertexts.length, packing.ciphertexts * INPUT_CIPHERTEXT_BYTES);
  assert.throws(() => server.loadTensor(packing, ciphertexts.subarray(1)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(ciphertexts.length + 1)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(0)), refused);
  assert.throws(() => server.loadTensor(packing, new Uint8Array(ciphertexts.length).fill(255)), refused);
  for (const [p, prime] of DATA_PRIMES.entries())
    for (const index of [4096 * p, 4096 * p + 4095]) {
      assert.throws(() => server.loadTensor(packing, withResidue(ciphertexts, index, prime)), refused);
      server.loadTensor(packing, withResidue(ciphertexts, index, prime - 1));
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

test('weights beyond what the flood hides are refused, whatever norm was announced', () => {
  const large = weights.slice();
  large[80] = 2 ** 15;
  assert.throws(() => server.evaluatePart(part, [large], [input], mask), refused);
});
