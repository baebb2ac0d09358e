/** Plain definitions with which the kernels are compared: evidently correct, and slow. */
import { createCipheriv } from 'node:crypto';
import type { Convolution } from '../../kernels/convolution-shape.ts';

/** Convolution mod 2^32, or of floats with `multiply` for Math.imul. */
export function plainConvolution(
  shape: Convolution,
  input: ArrayLike<number>,
  weights: ArrayLike<number>,
  multiply: (a: number, b: number) => number = Math.imul,
): Float64Array {
  const { channelsIn, channelsOut, kernelHeight, kernelWidth, outHeight, outWidth, height, width } = shape;
  const out = new Float64Array(channelsOut * outHeight * outWidth);
  for (let o = 0; o < out.length; o++) {
    const channel = Math.floor(o / (outHeight * outWidth));
    const y = (Math.floor(o / outWidth) % outHeight) * shape.strideY - shape.padTop;
    const x = (o % outWidth) * shape.strideX - shape.padLeft;
    let sum = 0;
    for (let c = 0; c < channelsIn; c++)
      for (let v = Math.max(0, -y); v < Math.min(kernelHeight, height - y); v++)
        for (let u = Math.max(0, -x); u < Math.min(kernelWidth, width - x); u++)
          sum += multiply(
            input[(c * height + y + v) * width + x + u],
            weights[((channel * channelsIn + c) * kernelHeight + v) * kernelWidth + u],
          );
    out[o] = sum;
  }
  return out;
}

/** a * b mod q for q < 2^30, exactly. */
export function multiplyModulo(a: number, b: number, q: number): number {
  return (((a * (b >>> 15)) % q) * 32768 + a * (b & 32767)) % q;
}

/** Returns the value of a polynomial (coefficients ascending) at `x`, mod q, which is one word of its transform. */
export function valueAt(polynomial: ArrayLike<number>, x: number, q: number): number {
  let value = 0;
  for (let i = polynomial.length - 1; i >= 0; i--) value = (multiplyModulo(value, x, q) + polynomial[i]) % q;
  return value;
}

/** In-place forward transform by butterflies; `powers` in bit-reversed order. */
export function plainTransform(polynomial: Float64Array, powers: ArrayLike<number>, q: number): void {
  const n = polynomial.length;
  for (let groups = 1, gap = n / 2; gap >= 1; groups *= 2, gap /= 2)
    for (let group = 0; group < groups; group++)
      for (let i = 2 * group * gap; i < (2 * group + 1) * gap; i++) {
        const [low, high] = [polynomial[i], multiplyModulo(polynomial[i + gap], powers[groups + group], q)];
        polynomial[i] = (low + high) % q;
        polynomial[i + gap] = (low - high + q) % q;
      }
}

export function xor(...blocks: readonly Uint8Array[]): Uint8Array {
  return blocks[0].map((byte, i) => blocks.slice(1).reduce((sum, block) => sum ^ block[i], byte));
}

/** s(hi || lo) = (hi xor lo) || hi; little-endian, so lo comes first. */
export function sigma(block: Uint8Array): Uint8Array {
  const [lo, hi] = [block.subarray(0, 8), block.subarray(8)];
  return Uint8Array.of(...hi, ...xor(hi, lo));
}

/** AES-128 of one block. */
export function plainCipher(key: Uint8Array): (block: Uint8Array) => Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return (block) => new Uint8Array(cipher.update(block));
}

/** H(x, i) with AES under a fixed key. */
export function plainHash(
  cipher: (block: Uint8Array) => Uint8Array,
  label: Uint8Array,
  index: number,
): Uint8Array {
  const tweak = new Uint8Array(16);
  new DataView(tweak.buffer).setUint32(0, index, true);
  const input = xor(sigma(label), tweak);
  return xor(cipher(input), input);
}

/** Throws if two arrays differ, naming the first difference. */
export function mustEqual(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  if (got.length !== expected.length) throw new Error(`${got.length} values instead of ${expected.length}`);
  for (let i = 0; i < got.length; i++)
    if (got[i] !== expected[i]) throw new Error(`value ${i} is ${got[i]} instead of ${expected[i]}`);
}
