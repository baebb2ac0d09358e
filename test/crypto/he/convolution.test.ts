import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeClient } from '../../../crypto/he/client.ts';
import { planHe } from '../../../crypto/he/packing.ts';
import type { HeLayer, HeShape, HeTerm } from '../../../crypto/he/plan.ts';
import { HeServer } from '../../../crypto/he/server.ts';
import { LINEAR_ERROR } from '../../../model/linear-error.ts';
import { evaluatePlainly, type Network, networks, weightCount } from './geometry.ts';

const seed = new Uint8Array(randomBytes(16));
const client = new HeClient(seed);
const server = new HeServer(seed, client.publicKey);

const shape = (channels: number, height: number, width = height): HeShape => ({ channels, height, width });

/** A square kernel over tensor `tensor`. */
const term = (tensor: number, kernel: number, stride: number, pad: number, padLeft = pad): HeTerm => ({
  tensor,
  kernelHeight: kernel,
  kernelWidth: kernel,
  strideY: stride,
  strideX: stride,
  padTop: pad,
  padLeft,
  groups: 1,
});

const layer = (output: HeShape, ...terms: HeTerm[]): HeLayer => ({ output, terms });

const randomWords = (length: number) => new Uint32Array(new Uint8Array(randomBytes(4 * length)).buffer);

/** Random signed weights of 10 bits. */
const randomWeights = (length: number) => Int32Array.from(randomWords(length), (word) => (word | 0) >> 22);

/** Ten standard deviations of the error that a returned word has (model/linear-error.ts), for `parts` of them. */
const mostError = (parts: number) => 10 * LINEAR_ERROR * Math.sqrt(parts);

function assertNear(words: Uint32Array, expected: Uint32Array, parts = 1): void {
  assert.equal(words.length, expected.length);
  const errors = words.map((word, i) => word - expected[i]);
  const largest = errors.reduce((most, error) => Math.max(most, Math.abs(error | 0)), 0);
  assert.ok(largest < mostError(parts), `an error of ${largest}`);
}

/** Runs all layers through ciphertexts; the client's share less the masks must be the convolution. */
function checkNetwork(network: Network, expectedParts: number[]): void {
  const plan = planHe(network.tensors, network.layers);
  const masks = network.tensors.map((t) => randomWords(t.channels * t.height * t.width));
  const inputs = plan.tensors.map((packing, i) => {
    return server.loadTensor(packing, client.encryptTensor(packing, masks[i]));
  });
  for (const [l, { output, terms }] of network.layers.entries()) {
    const kernels = terms.map((t) => randomWeights(weightCount(network, network.layers[l], t)));
    const sum = new Uint32Array(output.channels * output.height * output.width);
    const { parts } = plan.layers[l];
    assert.equal(parts.length, expectedParts[l]);
    for (const part of parts) {
      const mask = randomWords(sum.length);
      const bytes = server.evaluatePart(
        part,
        part.terms.map((t) => kernels[t]),
        part.terms.map((t) => inputs[terms[t].tensor]),
        mask,
      );
      assert.equal(bytes.length, part.bytes);
      const share = client.decryptPart(part, bytes);
      for (let i = 0; i < sum.length; i++) sum[i] += share[i] - mask[i];
    }
    assertNear(sum, evaluatePlainly(network, network.layers[l], masks, kernels), parts.length);
  }
}

test('convolutions of strides 1, 2 and 4, with odd and even kernels and uneven pads', () => {
  const image = shape(3, 32);
  checkNetwork({ tensors: [image], layers: [layer(shape(20, 16), term(0, 9, 2, 4))] }, [1]);
  checkNetwork({ tensors: [image], layers: [layer(shape(8, 8), term(0, 14, 4, 5))] }, [1]);
  checkNetwork({ tensors: [shape(2, 16)], layers: [layer(shape(3, 8), term(0, 18, 2, 8))] }, [1]);
  checkNetwork({ tensors: [shape(5, 7, 9)], layers: [layer(shape(4, 7, 9), term(0, 2, 1, 0, 1))] }, [1]);
  checkNetwork({ tensors: [shape(5, 8)], layers: [layer(shape(4, 4), term(0, 1, 2, 0))] }, [1]);
});

test('terms over several tensors are summed in the same ciphertexts, whatever their strides', () => {
  const tensors = [shape(3, 32), shape(20, 16), shape(80, 8)];
  checkNetwork(
    {
      tensors,
      layers: [
        layer(shape(80, 8), term(0, 16, 4, 6), term(1, 7, 2, 3)),
        layer(shape(10, 8), term(1, 18, 2, 8), term(2, 5, 1, 2), term(2, 9, 1, 4)),
      ],
    },
    [1, 1],
  );
});

test('terms over maps of different sizes come in parts of their own', () => {
  const tensors = [shape(6, 8), shape(9, 1)];
  checkNetwork({ tensors, layers: [layer(shape(7, 1), term(0, 8, 1, 0), term(1, 1, 1, 0))] }, [2]);
});

test('a fully connected layer is a 1x1 convolution of a 1x1 map', () => {
  checkNetwork({ tensors: [shape(80, 1)], layers: [layer(shape(100, 1), term(0, 1, 1, 0))] }, [1]);
});

test('maps larger than a polynomial are tiled', () => {
  checkNetwork({ tensors: [shape(1, 70, 66)], layers: [layer(shape(2, 70, 66), term(0, 5, 1, 2))] }, [1]);
  checkNetwork({ tensors: [shape(1, 150)], layers: [layer(shape(2, 75), term(0, 4, 2, 1))] }, [1]);
});

test('pads may be larger than the map', () => {
  checkNetwork({ tensors: [shape(3, 2)], layers: [layer(shape(3, 6), term(0, 9, 1, 6))] }, [1]);
  checkNetwork({ tensors: [shape(3, 4)], layers: [layer(shape(3, 4), term(0, 17, 1, 8))] }, [1]);
});

test('weights of zero and of the largest size give right results', () => {
  const network = { tensors: [shape(2, 4)], layers: [layer(shape(1, 4), term(0, 3, 1, 1))] };
  const plan = planHe(network.tensors, network.layers);
  const mask = randomWords(32);
  const inputs = [server.loadTensor(plan.tensors[0], client.encryptTensor(plan.tensors[0], mask))];
  const [part] = plan.layers[0].parts;
  for (const weight of [0, 2 ** 20, -(2 ** 20)]) {
    const kernels = [new Int32Array(18).fill(weight)];
    const share = client.decryptPart(part, server.evaluatePart(part, kernels, inputs, new Uint32Array(16)));
    assertNear(share, evaluatePlainly(network, network.layers[0], [mask], kernels));
  }
});

test('any networks, of whatever strides, groups, pads and tiles, give the convolution through ciphertexts', () => {
  fc.assert(
    fc.property(networks(9, 6), (network) => {
      const { layers } = planHe(network.tensors, network.layers);
      checkNetwork(
        network,
        layers.map(({ parts }) => parts.length),
      );
    }),
    { numRuns: 40 },
  );
});

test('more input ciphertexts than lie in the kernel memory at a time are summed all the same', () => {
  checkNetwork({ tensors: [shape(300, 32)], layers: [layer(shape(2, 32), term(0, 3, 1, 1))] }, [1]);
});

test('a part of more returned ciphertexts than are summed at a time comes whole', () => {
  checkNetwork({ tensors: [shape(1, 62)], layers: [layer(shape(530, 1), term(0, 62, 1, 0))] }, [1]);
});

test('errors have the standard deviation of the rounding, and no bias', () => {
  const network = { tensors: [shape(4, 32)], layers: [layer(shape(4, 32), term(0, 1, 1, 0))] };
  const plan = planHe(network.tensors, network.layers);
  const [part] = plan.layers[0].parts;
  const errors: number[] = [];
  for (let i = 0; i < 4; i++) {
    const values = randomWords(4096);
    const kernels = [randomWeights(16)];
    const inputs = [server.loadTensor(plan.tensors[0], client.encryptTensor(plan.tensors[0], values))];
    const mask = randomWords(4096);
    const share = client.decryptPart(part, server.evaluatePart(part, kernels, inputs, mask));
    const exact = evaluatePlainly(network, network.layers[0], [values], kernels);
    errors.push(...share.map((word, j) => word - mask[j] - exact[j]).values());
  }
  const signed = errors.map((error) => error | 0);
  const mean = signed.reduce((sum, error) => sum + error, 0) / signed.length;
  const deviation = Math.sqrt(signed.reduce((sum, error) => sum + error * error, 0) / signed.length);
  // Errors of one ciphertext depend on each other a little, so the bounds are wide.
  assert.ok(Math.abs(mean) < 2, `mean ${mean}`);
  assert.ok(deviation > 0.9 * LINEAR_ERROR && deviation < 1.15 * LINEAR_ERROR, `deviation ${deviation}`);
});
