import type { GarblerKeys } from '../crypto/garbling/gadget.ts';
import { deriveSeed, expandWords } from '../crypto/prg.ts';
import { type BundleSecrets, NONCE_BYTES } from './bundle.ts';
import type { HeTensor, Plan } from './plan.ts';

/** r_i: the client's mask of secret tensor i [elements], from the bundle's mask seed. */
export function tensorMask(plan: Plan, maskSeed: Uint8Array, tensor: number): Uint32Array {
  return expandWords(maskSeed, `tensor-mask/${tensor}`, plan.tensorElements[tensor]);
}

/** r of the squares of a chunk [count], which hides their z from the server, from the bundle's mask seed. */
export function squareMask(maskSeed: Uint8Array, layer: number, { first, count }: Run): Uint32Array {
  return expandWords(maskSeed, `square-mask/${layer}/${first}`, count);
}

/** A run of elements of a layer, in the order of its nonlinearities. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

/** Returns the mask for one HE tensor: the mask itself, or its channel sums if the layer pools first. */
export function heTensorMask(plan: Plan, maskSeed: Uint8Array, tensor: HeTensor): Uint32Array {
  const mask = tensorMask(plan, maskSeed, tensor.tensor);
  if (tensor.pool === 'none') return mask;
  const { channels } = tensor.shape;
  const area = mask.length / channels;
  const sums = new Uint32Array(channels);
  for (let i = 0; i < mask.length; i++) sums[Math.floor(i / area)] += mask[i];
  return sums;
}

/** s of one part of a linear layer [output elements], from the server's bundle seed. */
export function partMask(plan: Plan, bundleSeed: Uint8Array, layer: number, part: number): Uint32Array {
  return expandWords(bundleSeed, `linear-mask/${layer}/${part}`, plan.layers[layer].elements);
}

/** s_l: the sum of the masks of a layer's parts. */
export function layerMask(plan: Plan, bundleSeed: Uint8Array, layer: number): Uint32Array {
  const sum = new Uint32Array(plan.layers[layer].elements);
  for (let part = 0; part < plan.he.layers[layer].parts.length; part++) {
    const mask = partMask(plan, bundleSeed, layer, part);
    for (let i = 0; i < sum.length; i++) sum[i] += mask[i];
  }
  return sum;
}

/** The bundle's public nonce. */
export function bundleNonce(bundleSeed: Uint8Array): Uint8Array {
  return deriveSeed(bundleSeed, 'nonce').slice(0, NONCE_BYTES);
}

/** Returns the garbler's keys for the gadgets of one layer. */
export function garblerKeys({ seed, delta }: BundleSecrets, layer: number): GarblerKeys {
  return {
    seed: deriveSeed(seed, `gadget/${layer}`),
    delta,
    nonce: bundleNonce(seed),
    layer,
  };
}
