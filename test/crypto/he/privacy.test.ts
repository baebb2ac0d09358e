import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeClient } from '../../../crypto/he/client.ts';
import { checkFlooding, FLOOD_BITS, mostOutputChannels, noiseBound } from '../../../crypto/he/noise.ts';
import { type HeLayer, type HeShape, planHe } from '../../../crypto/he/packing.ts';
import { DEGREE, outputCiphertextBytes, packedBytes, RETURNED_BITS } from '../../../crypto/he/parameters.ts';
import { outputPositions, placeKernel } from '../../../crypto/he/positions.ts';
import { loadSeal, save } from '../../../crypto/he/seal.ts';
import { plaintextBytes, seededToWire } from '../../../crypto/he/serialize.ts';
import { HeServer } from '../../../crypto/he/server.ts';
import { networks, weightCount } from './geometry.ts';
import { openKeys, returnedNoise } from './secret-key.ts';

const seal = await loadSeal();
const keys = openKeys(seal);
const server = await HeServer.create(keys.wire);

const randomWords = (length: number) => new Uint32Array(new Uint8Array(randomBytes(4 * length)).buffer);

/** A plan with one layer over one tensor. */
function plan(tensor: HeShape, output: HeShape, kernel: number, weightNorm: number) {
  const pad = (kernel - 1) / 2;
  const term = {
    tensor: 0,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideY: 1,
    strideX: 1,
    padTop: pad,
    padLeft: pad,
    groups: 1,
  };
  const layer: HeLayer = { output, weightNorm, terms: [term] };
  const { tensors, layers } = planHe([tensor], [layer]);
  return { packing: tensors[0], part: layers[0].parts[0] };
}

/** Fresh ciphertexts of random values under the open key. */
function encryptRandom(ciphertexts: number): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      Array.from({ length: ciphertexts }, () => {
        const plaintext = new seal.module.Plaintext();
        plaintext.loadFromArray(seal.context, plaintextBytes(seal, randomWords(DEGREE)));
        const seeded = keys.encryptor.encryptSymmetricSerializable(plaintext);
        return seededToWire(save(seal, seeded), seal.prefixes.seededCiphertext);
      }),
    ),
  );
}

test('the returned noise is the flood: uniform to 2^26 after the switch, and within the limit of decryption', () => {
  // Four maps of 32 x 32 fill a polynomial, so every coefficient carries an output.
  const { packing, part } = plan(
    { channels: 1, height: 32, width: 32 },
    { channels: 4, height: 32, width: 32 },
    1,
    256,
  );
  const input = server.loadTensor(packing, encryptRandom(packing.ciphertexts));
  const noise: number[] = [];
  for (let i = 0; i < 4; i++) {
    const wire = server.evaluatePart(part, [Int32Array.of(255, -255, 3, 0)], [input], randomWords(4096));
    noise.push(...returnedNoise(seal, keys.secret, wire, outputPositions(part, 0).coefficients));
  }
  assert.equal(noise.length, 4 * DEGREE);
  const limit = (1073651713 * 1073668097) / 2 ** 33;
  const flood = 2 ** 26;
  assert.ok(noise.every((value) => Math.abs(value) < flood + 8 * 2 ** 21.92));
  assert.ok(limit - flood > 16.9 * 2 ** 21.92);
  const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
  const expected = Math.sqrt(flood ** 2 / 3 + 2 ** (2 * 21.92));
  assert.ok(Math.abs(deviation / expected - 1) < 0.03, `${deviation} against ${expected}`);
  // Within the part that rounding leaves flat, all sixteenths are equally likely (six deviations).
  const sixteenths = new Array<number>(16).fill(0);
  for (const value of noise) sixteenths[Math.floor((value / flood + 1) * 8)]++;
  const mean = noise.length / 16;
  for (const count of sixteenths.slice(3, 13))
    assert.ok(Math.abs(count - mean) < 6 * Math.sqrt(mean), `${count}`);
});

test('a returned ciphertext holds c1 and the coefficients of c0 that carry outputs, nothing else', () => {
  fc.assert(
    fc.property(networks(9, 6), ({ tensors, layers }) => {
      for (const [l, { parts }] of planHe(tensors, layers).layers.entries()) {
        const { channels, height, width } = layers[l].output;
        for (const part of parts) {
          let bytes = 0;
          let outputs = 0;
          for (let index = 0; index < part.ciphertexts; index++) {
            const { coefficients } = outputPositions(part, index);
            assert.equal(new Set(coefficients).size, coefficients.length);
            assert.ok(coefficients.every((coefficient) => coefficient < DEGREE));
            bytes += packedBytes(DEGREE, RETURNED_BITS) + packedBytes(coefficients.length, RETURNED_BITS);
            outputs += coefficients.length;
          }
          assert.equal(outputs, channels * height * width);
          assert.equal(bytes, part.bytes);
        }
      }
    }),
  );
});

test('nothing of a returned ciphertext repeats when the same product is returned again', () => {
  const shape = { channels: 3, height: 5, width: 5 };
  const { packing, part } = plan(shape, shape, 3, 4096);
  const input = server.loadTensor(packing, encryptRandom(packing.ciphertexts));
  const [weights, mask] = [new Int32Array(81).fill(7), randomWords(75)];
  const [a, b] = [0, 1].map(() => server.evaluatePart(part, [weights], [input], mask));
  assert.equal(a.length, outputCiphertextBytes(75));
  const whole = packedBytes(DEGREE, RETURNED_BITS);
  for (const [from, to] of [
    [0, whole],
    [whole, a.length],
  ]) {
    let equal = 0;
    for (let i = from; i < to; i++) if (a[i] === b[i]) equal++;
    const mean = (to - from) / 256;
    assert.ok(Math.abs(equal - mean) < 8 * Math.sqrt(mean), `${equal} equal bytes of ${to - from}`);
  }
});

test('the mask hides the outputs: with weights of 0 the client gets minus the mask', async () => {
  const client = await HeClient.create();
  const own = await HeServer.create(client.publicKey);
  const shape = { channels: 2, height: 3, width: 3 };
  const { packing, part } = plan(shape, shape, 1, 16);
  const input = own.loadTensor(packing, client.encryptTensor(packing, randomWords(18)));
  const mask = randomWords(18);
  const share = client.decryptPart(part, own.evaluatePart(part, [new Int32Array(4)], [input], mask));
  assert.deepEqual(
    share,
    mask.map((word) => -word),
  );
  client.close();
  own.close();
});

test('the noise bound covers all kernels that share a ciphertext', () => {
  fc.assert(
    fc.property(networks(7, 5), (network) => {
      const { layers } = planHe(network.tensors, network.layers);
      const coefficients = new Int32Array(DEGREE);
      for (const [l, layer] of network.layers.entries())
        for (const part of layers[l].parts) {
          const weights = part.terms.map((t) =>
            Int32Array.from(
              { length: weightCount(network, layer, layer.terms[t]) },
              (_, i) => ((i * 7919) % 201) - 100,
            ),
          );
          const norm = Math.max(...channelNorms(weights, layer.output.channels));
          for (let group = 0; group < part.groups; group++) {
            let squares = 0;
            for (const [s, { encoding }] of part.sources.entries())
              for (let groupIn = 0; groupIn < encoding.groups; groupIn++)
                if (placeKernel(part, s, groupIn, group, weights[s], coefficients))
                  squares += coefficients.reduce((sum, k) => sum + k * k, 0);
            assert.ok(8 * 3.3 * Math.sqrt(squares) <= noiseBound(norm, part.channelsOut) * (1 + 1e-9));
          }
          assert.ok(noiseBound(layer.weightNorm, part.channelsOut) * 2 ** 37 <= 2 ** FLOOD_BITS);
        }
    }),
  );
});

function channelNorms(weights: readonly Int32Array[], outputs: number): number[] {
  return Array.from({ length: outputs }, (_, j) => {
    const own = weights.flatMap((w) => [
      ...w.subarray((j * w.length) / outputs, ((j + 1) * w.length) / outputs),
    ]);
    return Math.sqrt(own.reduce((sum, w) => sum + w * w, 0));
  });
}

test('larger weights share a ciphertext with fewer others, and too large ones are refused', () => {
  assert.deepEqual([2 ** 14, 2 ** 13, 2 ** 12, 2 ** 8, 1].map(mostOutputChannels), [1, 5, 23, 4096, 4096]);
  checkFlooding(19859);
  for (const norm of [19860, 2 ** 15, Number.NaN, 0, -1])
    assert.throws(() => checkFlooding(norm), { code: 'crypto/parameters' });
});
