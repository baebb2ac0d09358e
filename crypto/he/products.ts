/** The inner products of ciphertexts and kernels, in the transformed domain (`kernels/ntt.ts`), without SEAL. */
import { randomBytes } from '../../edge/random-bytes.ts';
import { kernels } from '../../kernels/load.ts';
import { NttPrime, ProductSum } from '../../kernels/ntt.ts';
import { narrow, widen } from '../../kernels/residues.ts';
import type { KernelCache } from './kernel-cache.ts';
import { FLOOD_BITS } from './noise.ts';
import type { PartPacking } from './packing.ts';
import { DATA_PRIMES, DEGREE } from './parameters.ts';
import { placeKernel } from './positions.ts';

/** A tensor's ciphertexts, transformed: [ciphertext][c0, c1][data prime][N] residues. */
export interface EncryptedTensor {
  readonly residues: Uint32Array;
}

/** Polynomials of a ciphertext, one per half and data prime, and their residues in all. */
const POLYNOMIALS = 2 * DATA_PRIMES.length;
export const CIPHERTEXT_WORDS = POLYNOMIALS * DEGREE;

let primes: NttPrime[] | undefined;

/** The transforms of this thread. */
function transforms(): NttPrime[] {
  primes ??= DATA_PRIMES.map((q) => new NttPrime(q, DEGREE));
  return primes;
}

/** out = the transforms of a ciphertext's polynomials, given as SEAL's 64-bit words. */
export function transformCiphertext(words: Uint8Array, out: Uint32Array): void {
  const { memory } = kernels();
  memory.scope(() => {
    const wide = memory.bytes(8 * DEGREE);
    const polynomial = memory.u32(DEGREE);
    for (let i = 0; i < POLYNOMIALS; i++) {
      wide.set(words.subarray(8 * DEGREE * i, 8 * DEGREE * (i + 1)));
      narrow(wide, polynomial);
      transforms()[i % DATA_PRIMES.length].forward(polynomial);
      out.set(polynomial, DEGREE * i);
    }
  });
}

/**
 * The ciphertexts of output group `group` of a part, one per tile: sums of kernel times input, with the flood
 * added to c0, as SEAL's 64-bit words.
 */
export function multiplyGroup(
  part: PartPacking,
  group: number,
  weights: readonly Int32Array[],
  inputs: readonly EncryptedTensor[],
  cache: KernelCache,
): Uint8Array[] {
  const { memory } = kernels();
  return memory.scope(() => {
    const sums = part.tiles.map(() => newSums());
    const kernel = memory.u32(DATA_PRIMES.length * DEGREE);
    const polynomial = memory.u32(DEGREE);
    for (const [s, { encoding }] of part.sources.entries())
      for (let groupIn = 0; groupIn < encoding.groups; groupIn++) {
        const transformed = cache.get(weights[s], `${groupIn}/${group}`, () =>
          transformKernel(part, s, groupIn, group, weights[s], kernel),
        );
        if (!transformed) continue;
        if (transformed !== kernel) kernel.set(transformed);
        for (const [t, tile] of part.tiles.entries()) {
          const start = (encoding.first + tile * encoding.groups + groupIn) * CIPHERTEXT_WORDS;
          for (let i = 0; i < POLYNOMIALS; i++) {
            polynomial.set(inputs[s].residues.subarray(start + DEGREE * i, start + DEGREE * (i + 1)));
            sums[t][i].add(polynomial, residuesOf(kernel, i % DATA_PRIMES.length));
          }
        }
      }
    return sums.map((tileSums) => finish(tileSums, polynomial));
  });
}

/** Writes the transforms of a kernel polynomial modulo every data prime to `out`; null if the kernel reads nothing there. */
function transformKernel(
  part: PartPacking,
  source: number,
  groupIn: number,
  group: number,
  weights: Int32Array,
  out: Uint32Array,
): Uint32Array | null {
  const { memory } = kernels();
  return memory.scope(() => {
    const coefficients = memory.i32(DEGREE);
    if (!placeKernel(part, source, groupIn, group, weights, coefficients)) return null;
    for (const [p, prime] of transforms().entries()) {
      const residues = residuesOf(out, p);
      prime.liftSigned(coefficients, residues);
      prime.forward(residues);
    }
    return out;
  });
}

function residuesOf(kernel: Uint32Array, prime: number): Uint32Array {
  return kernel.subarray(DEGREE * prime, DEGREE * (prime + 1));
}

function newSums(): ProductSum[] {
  const { memory } = kernels();
  return Array.from({ length: POLYNOMIALS }, (_, i) => {
    return new ProductSum(transforms()[i % DATA_PRIMES.length], memory.bytes(8 * DEGREE));
  });
}

/** Transforms the sums back and floods c0 with one integer per coefficient, the same modulo every prime. */
function finish(sums: ProductSum[], polynomial: Uint32Array): Uint8Array {
  const { memory } = kernels();
  return memory.scope(() => {
    const random = memory.bytes(8 * DEGREE);
    random.set(randomBytes(8 * DEGREE));
    const wide = memory.bytes(8 * DEGREE);
    const words = new Uint8Array(8 * CIPHERTEXT_WORDS);
    for (const [i, sum] of sums.entries()) {
      const prime = transforms()[i % DATA_PRIMES.length];
      sum.toWords(polynomial);
      prime.inverse(polynomial);
      if (i < DATA_PRIMES.length) prime.addFlooding(polynomial, random, FLOOD_BITS);
      widen(polynomial, wide);
      words.set(wide, 8 * DEGREE * i);
    }
    return words;
  });
}
