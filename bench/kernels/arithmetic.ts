/** Benchmarks of convolutions of shares, and of the arithmetic of ciphertexts. */
import assert from 'node:assert/strict';
import { DEGREE, PRIMES } from '../../crypto/he/parameters.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { convolve, convolveFloat } from '../../kernels/convolution.ts';
import type { Convolution } from '../../kernels/convolution-shape.ts';
import { InnerProduct } from '../../kernels/inner-product.ts';
import { NttPrime } from '../../kernels/ntt.ts';
import type { Entry } from './entry.ts';
import { multiplyModulo, mustEqual, plainConvolution, plainTransform } from './plain.ts';
import { words } from './room.ts';

/** A layer of 80 to 160 channels with a 9x9 kernel at 8x8. */
const LAYER: Convolution = {
  ...{ channelsIn: 80, height: 8, width: 8, channelsOut: 160, kernelHeight: 9, kernelWidth: 9 },
  ...{ strideY: 1, strideX: 1, padTop: 4, padLeft: 4, outHeight: 8, outWidth: 8, groups: 1 },
};

export function convolutions(): Entry[] {
  const random = seededRandom(1);
  const input = Uint32Array.from({ length: 80 * 64 }, () => 2 ** 32 * random());
  const weights = Int32Array.from({ length: 160 * 80 * 81 }, () => 1024 * random() - 512);
  const floats = Float32Array.from(input, (word) => word / 2 ** 32 - 0.5);
  const floatWeights = Float32Array.from(weights, (weight) => weight / 512);
  const common = { unit: 'multiply-accumulates', units: weights.length * 64 };
  const plainFloats = () => plainConvolution(LAYER, floats, floatWeights, (a, b) => a * b);
  const plainWords = () => plainConvolution(LAYER, input, weights);
  return [
    {
      ...{ name: 'convolution, 32-bit integers', ...common, floor: 12e9 },
      run: () => convolve(LAYER, input, weights),
      reference: { units: common.units, run: plainWords },
      check: () =>
        mustEqual(
          convolve(LAYER, input, weights),
          Uint32Array.from(plainWords(), (sum) => Number(BigInt.asUintN(32, BigInt(sum)))),
        ),
    },
    {
      ...{ name: 'convolution, floats', ...common },
      run: () => convolveFloat(LAYER, floats, floatWeights),
      reference: { units: common.units, run: plainFloats },
      check: () => {
        const exact = plainFloats();
        for (const [i, value] of convolveFloat(LAYER, floats, floatWeights).entries())
          assert.ok(Math.abs(value - exact[i]) < 0.01, `output ${i}: ${value} instead of ${exact[i]}`);
      },
    },
  ];
}

export function polynomials(): Entry[] {
  const [q] = PRIMES;
  const prime = new NttPrime(q, DEGREE);
  const powers = rootPowers(q, DEGREE);
  const random = seededRandom(2);
  const fill = (target: Uint32Array) => target.set(target.map(() => q * random()));
  const [x, y, work] = [words(DEGREE), words(DEGREE), words(DEGREE)];
  for (const polynomial of [x, y]) fill(polynomial);
  const product = new InnerProduct(q, DEGREE);
  const terms = Array.from({ length: SUMMANDS }, (): [Uint32Array, Uint32Array] => [x, y]);
  const transform = { unit: 'transforms of 4,096 words', units: 1, bytes: 4 * DEGREE };
  return [
    {
      ...{ name: 'NTT, forward', ...transform, floor: 50_000 },
      run: () => {
        work.set(x);
        prime.forward(work);
      },
      reference: { units: 1, run: () => plainTransform(Float64Array.from(x), powers, q) },
      check: () => {
        const expected = Float64Array.from(x);
        plainTransform(expected, powers, q);
        work.set(x);
        prime.forward(work);
        mustEqual(work.slice(), Uint32Array.from(expected));
      },
    },
    {
      ...{ name: 'NTT, inverse', ...transform, floor: 50_000 },
      run: () => {
        work.set(x);
        prime.inverse(work);
      },
      check: () => {
        work.set(x);
        prime.forward(work);
        prime.inverse(work);
        mustEqual(work.slice(), x.slice());
      },
    },
    {
      ...{ name: 'products of residues, summed', unit: 'multiply-accumulates', units: SUMMANDS * DEGREE },
      run: () => product.sum(terms, work),
      reference: { units: SUMMANDS * DEGREE, run: () => plainSums(x, y, q) },
      check: () => {
        product.sum(terms, work);
        mustEqual(work.slice(), plainSums(x, y, q));
      },
    },
  ];
}

/** Products per sum. */
const SUMMANDS = 64;

function plainSums(x: Uint32Array, y: Uint32Array, q: number): Uint32Array {
  const out = new Uint32Array(x.length);
  for (let i = 0; i < SUMMANDS; i++)
    for (let j = 0; j < out.length; j++) out[j] = (out[j] + multiplyModulo(x[j], y[j], q)) % q;
  return out;
}

/** Powers of the least primitive 2n-th root of unity mod q that is a power of some g = 2, 3, ..., at bit-reversed places. */
function rootPowers(q: number, n: number): Uint32Array {
  const power = (base: number, exponent: number) => {
    let result = 1;
    for (let square = base, e = exponent; e > 0; e = Math.floor(e / 2)) {
      if (e % 2 === 1) result = multiplyModulo(result, square, q);
      square = multiplyModulo(square, square, q);
    }
    return result;
  };
  let g = 2;
  while (power(power(g, (q - 1) / (2 * n)), n) !== q - 1) g++;
  const root = power(g, (q - 1) / (2 * n));
  const bits = Math.log2(n);
  return Uint32Array.from({ length: n }, (_, place) => {
    let exponent = 0;
    for (let b = 0; b < bits; b++) exponent |= ((place >> b) & 1) << (bits - 1 - b);
    return power(root, exponent);
  });
}
