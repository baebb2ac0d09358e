import type { EncryptedTensor } from '../crypto/he/server.ts';
import { addShares } from '../crypto/ring.ts';
import { owned, release } from '../kernels/release.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { Channel } from './channel.ts';
import { heTensorMask, partMask } from './masks.ts';
import type { Plan } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * One linear layer, offline (DELPHI, preprocessing phase; docs/protocol.md, section 2):
 *
 *     client -> server: Enc(r_i) for every tensor that the layer is the first to read
 *     server -> client: Enc(W_l r + s_l), which reveals nothing about W_l
 *
 * Afterwards the client holds b_l = W_l r + s_l + eps, with a small rounding error eps, and the server can derive s_l
 * from its seed.
 */

/** Returns the HE tensors that are sent for `layer`: those up to its last one that no earlier layer needed. */
function newTensors(plan: Plan, layer: number): number[] {
  const until = (count: number) =>
    Math.max(-1, ...plan.layers.slice(0, count).flatMap(({ heTensors }) => heTensors));
  const first = until(layer) + 1;
  return Array.from({ length: until(layer + 1) + 1 - first }, (_, i) => first + i);
}

/** Client's first half. */
export async function sendMasks(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  layer: number,
  maskSeed: Uint8Array,
): Promise<void> {
  for (const i of newTensors(plan, layer)) {
    const ciphertexts = traced('encrypt', i, () =>
      session.he.encryptTensor(plan.he.tensors[i], heTensorMask(plan, maskSeed, plan.heTensors[i])),
    );
    await sendTensor(channel, 'input-ciphertexts', i, owned(ciphertexts));
  }
}

/** Client's second half. Returns b_l [elements]. */
export async function receiveShare(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  layer: number,
): Promise<Uint32Array> {
  const reader = new TensorReader(channel, 'output-ciphertexts', layer);
  let share = new Uint32Array(plan.layers[layer].elements);
  for (const part of plan.he.layers[layer].parts) {
    const ciphertexts = await reader.read(part.bytes);
    const partShare = traced('decrypt', layer, () => session.he.decryptPart(part, ciphertexts));
    release(ciphertexts);
    share = addShares(share, partShare);
  }
  return share;
}

/**
 * Server's half. `inputs`: the HE tensors of earlier layers, to which the new ones are added. Throws
 * 'crypto/parameters' on ciphertexts that are not well-formed.
 */
export async function shareServer(
  session: ServerSession,
  plan: Plan,
  network: FixedNetwork,
  channel: Channel,
  layer: number,
  inputs: EncryptedTensor[],
  bundleSeed: Uint8Array,
): Promise<void> {
  for (const i of newTensors(plan, layer)) {
    const packing = plan.he.tensors[i];
    const bytes = await receiveTensor(channel, 'input-ciphertexts', i, packing.bytes);
    inputs.push(traced('load ciphertexts', i, () => session.he.loadTensor(packing, bytes)));
    release(bytes);
  }
  let offset = 0;
  for (const [p, part] of plan.he.layers[layer].parts.entries()) {
    const kernels = part.terms.map((t) => network.layers[layer].kernels[t]);
    const tensors = part.terms.map((t) => inputs[plan.layers[layer].heTensors[t]]);
    const ciphertexts = traced('multiply', layer, () =>
      session.he.evaluatePart(part, kernels, tensors, partMask(plan, bundleSeed, layer, p)),
    );
    await sendTensor(channel, 'output-ciphertexts', layer, owned(ciphertexts), offset);
    offset += part.bytes;
  }
}
