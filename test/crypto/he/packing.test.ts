import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planHe } from '../../../crypto/he/packing.ts';
import type { HePlan, PartPacking } from '../../../crypto/he/plan.ts';
import { outputPositions, placeKernel, placeTensor, polynomials } from '../../../crypto/he/positions.ts';
import { evaluatePlainly, type Network, networks, weightCount } from './geometry.ts';

/** sums += x * y modulo X^N + 1 and 2^32. */
function addProduct(x: Uint32Array, y: Int32Array, sums: Uint32Array): void {
  const n = x.length;
  for (let j = 0; j < n; j++)
    if (y[j] !== 0)
      for (let i = 0; i < n; i++) {
        const product = Math.imul(x[i], y[j]);
        if (i + j < n) sums[i + j] += product;
        else sums[i + j - n] -= product;
      }
}

function words(length: number, seed: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => Math.imul(i + seed, 2654435761) ^ (i << 13));
}

/** What the ciphertexts of a part decrypt to, with plain polynomials in place of ciphertexts. */
function evaluatePart(
  plan: HePlan,
  part: PartPacking,
  network: Network,
  l: number,
  values: readonly Uint32Array[],
  kernels: readonly Int32Array[],
): { outputs: Uint32Array; written: Uint32Array } {
  const { degree } = part.layout;
  const outputs = new Uint32Array(part.output.channels * part.output.height * part.output.width);
  const written = new Uint32Array(outputs.length);
  for (let index = 0; index < part.ciphertexts; index++) {
    const sums = new Uint32Array(degree);
    const tile = part.tiles[index % part.tiles.length];
    for (const [s, { encoding, shape }] of part.sources.entries()) {
      const { tensor } = network.layers[l].terms[part.terms[s]];
      assert.ok(plan.tensors[tensor].encodings.includes(encoding));
      for (const at of polynomials(encoding)) {
        if (at.tile !== tile) continue;
        const x = new Uint32Array(degree);
        const y = new Int32Array(degree);
        placeTensor(encoding, shape, tile, at.group, values[tensor], x);
        const groupOut = Math.floor(index / part.tiles.length);
        if (placeKernel(part, s, at.group, groupOut, kernels[part.terms[s]], y)) addProduct(x, y, sums);
      }
    }
    const { coefficients, elements } = outputPositions(part, index);
    for (const [i, element] of elements.entries()) {
      outputs[element] += sums[coefficients[i]];
      written[element]++;
    }
  }
  return { outputs, written };
}

function checkNetwork(network: Network, degree: number): void {
  const plan = planHe(network.tensors, network.layers, degree);
  const values = network.tensors.map((t, i) => words(t.channels * t.height * t.width, i + 1));
  for (const [l, layer] of network.layers.entries()) {
    const kernels = layer.terms.map((term, t) => {
      return Int32Array.from(words(weightCount(network, layer, term), 100 * l + t), (word) => word | 0);
    });
    const sum = new Uint32Array(layer.output.channels * layer.output.height * layer.output.width);
    for (const part of plan.layers[l].parts) {
      const { outputs, written } = evaluatePart(plan, part, network, l, values, kernels);
      assert.ok(written.every((count) => count === 1));
      for (let i = 0; i < sum.length; i++) sum[i] += outputs[i];
    }
    assert.deepEqual(sum, evaluatePlainly(network, layer, values, kernels));
    const covered = plan.layers[l].parts.flatMap(({ terms }) => terms).sort((a, b) => a - b);
    assert.deepEqual(
      covered,
      layer.terms.map((_, t) => t),
    );
  }
}

test('packed products are the convolutions, whatever the strides, pads, kernels and tensors', () => {
  fc.assert(
    fc.property(networks(7, 5), (network) => checkNetwork(network, 1024)),
    { numRuns: 500 },
  );
});

test('maps larger than a polynomial are cut into tiles', () => {
  fc.assert(
    fc.property(networks(12, 2), (network) => {
      try {
        planHe(network.tensors, network.layers, 256);
      } catch (error) {
        assert.equal((error as { code: string }).code, 'crypto/parameters');
        return;
      }
      checkNetwork(network, 256);
    }),
    { numRuns: 500 },
  );
});
