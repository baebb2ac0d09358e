/** The server's sums of products of ciphertexts and kernels, in transformed form. */
import { kernels } from '../../kernels/load.ts';
import type { KernelCache } from './kernel-cache.ts';
import { DEGREE } from './parameters.ts';
import type { PartPacking } from './plan.ts';
import { placeKernel } from './positions.ts';
import { BOTH, newResidues, newSigned, type Residues, ring, transformSigned, type Words } from './ring.ts';

/** A tensor's ciphertexts, transformed: [ciphertext][c0, c1][prime][N] residues. */
export interface EncryptedTensor {
  readonly residues: Uint32Array;
}

/** Residues of one ciphertext. */
export const CIPHERTEXT_WORDS = 4 * DEGREE;

/** Both halves of a ciphertext modulo Q, in kernel memory. */
export type Ciphertext = readonly [c0: Residues, c1: Residues];

/** Allocates a ciphertext. */
export function newCiphertext(): Ciphertext {
  return [newResidues(), newResidues()];
}

/** One input polynomial of a part: group `groupIn` of term `source`. */
interface Place {
  readonly source: number;
  readonly groupIn: number;
}

/** Input ciphertexts that lie in the kernel memory at a time: 64 kB each. */
const INPUTS_AT_ONCE = 128;

/** Sums that lie in the kernel memory at a time: 64 kB each. */
const SUMS_AT_ONCE = 512;

/**
 * Calls `finish` with every ciphertext of a part and its index: sums of kernel times input, transformed, in the scope of kernel
 * memory. `weights` and `inputs` in the order of part.sources.
 */
export function multiply(
  part: PartPacking,
  weights: readonly Int32Array[],
  inputs: readonly EncryptedTensor[],
  cache: KernelCache,
  finish: (sum: Ciphertext, index: number) => void,
): void {
  const tiles = part.tiles.length;
  const step = Math.max(1, Math.floor(SUMS_AT_ONCE / tiles));
  for (let group = 0; group < part.groups; group += step)
    kernels().memory.scope(() => {
      const groups = Math.min(step, part.groups - group);
      const sums = multiplyGroups(part, group, groups, weights, inputs, cache);
      for (const [i, sum] of sums.entries()) finish(sum, group * tiles + i);
    });
}

/** The ciphertexts of `groups` output groups from `firstGroup` on. */
function multiplyGroups(
  part: PartPacking,
  firstGroup: number,
  groups: number,
  weights: readonly Int32Array[],
  inputs: readonly EncryptedTensor[],
  cache: KernelCache,
): Ciphertext[] {
  const { memory } = kernels();
  const tiles = part.tiles.length;
  const places = part.sources.flatMap(({ encoding }, source) =>
    Array.from({ length: encoding.groups }, (_, groupIn): Place => ({ source, groupIn })),
  );
  const sums = Array.from({ length: groups * tiles }, newCiphertext);
  for (const words of sums.flat(2)) words.fill(0);
  const step = Math.max(1, Math.floor(INPUTS_AT_ONCE / tiles));
  for (let first = 0; first < places.length; first += step)
    memory.scope(() => {
      const some = places.slice(first, first + step);
      const loaded = part.tiles.map((tile) => some.map((place) => loadInput(part, place, tile, inputs)));
      for (let group = 0; group < groups; group++)
        memory.scope(() => {
          const factors = some.map((place) => loadKernel(part, place, firstGroup + group, weights, cache));
          for (const [t, own] of loaded.entries()) addProducts(own, factors, sums[group * tiles + t]);
        });
    });
  return sums;
}

/** sum += the products of all ciphertexts with their factors; a factor null is 0. */
export function addProducts(
  inputs: readonly Ciphertext[],
  factors: readonly (Residues | null)[],
  sum: Ciphertext,
): void {
  const { ntt, products } = ring();
  kernels().memory.scope(() => {
    const [product] = newResidues();
    for (const i of BOTH)
      for (const half of BOTH) {
        const terms: [Words, Words][] = [];
        for (const [j, factor] of factors.entries()) if (factor) terms.push([inputs[j][half][i], factor[i]]);
        if (terms.length === 0) return;
        products[i].sum(terms, product);
        ntt[i].add(sum[half][i], product);
      }
  });
}

function loadInput(
  part: PartPacking,
  { source, groupIn }: Place,
  tile: number,
  inputs: readonly EncryptedTensor[],
): Ciphertext {
  const { encoding } = part.sources[source];
  let at = (encoding.first + tile * encoding.groups + groupIn) * CIPHERTEXT_WORDS;
  const loaded = newCiphertext();
  for (const words of loaded.flat()) {
    words.set(inputs[source].residues.subarray(at, at + DEGREE));
    at += DEGREE;
  }
  return loaded;
}

/** The transforms of a kernel polynomial; null if the kernel reads nothing there, which depends on the geometry alone. */
function loadKernel(
  part: PartPacking,
  { source, groupIn }: Place,
  group: number,
  weights: readonly Int32Array[],
  cache: KernelCache,
): Residues | null {
  return cache.get(weights[source], `${groupIn}/${group}`, () => {
    const transformed = newResidues();
    return kernels().memory.scope(() => {
      const coefficients = newSigned();
      if (!placeKernel(part, source, groupIn, group, weights[source], coefficients)) return null;
      transformSigned(coefficients, transformed);
      return transformed;
    });
  });
}
