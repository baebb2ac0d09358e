import type { EncryptedTensor } from '../crypto/he/server.ts';
import { addShares } from '../crypto/ring.ts';
import { release } from '../kernels/release.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { Channel } from './channel.ts';
import { heTensorMask, partMask } from './masks.ts';
import type { Plan } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * Linear layers, offline (DELPHI section 4.1; protocol.md section 2). Once per bundle:
 *
 *     client -> server: Enc(r_i) for every tensor that a linear layer reads
 *     server -> client: Enc(W_l r - s_l), circuit-private, for every linear layer
 *
 * Afterwards the client holds b_l = W_l r - s_l and the server can derive s_l from its seed.
 */

/** Client's half. Returns b_l for every layer [elements]. */
export async function shareLinearClient(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  maskSeed: Uint8Array,
): Promise<Uint32Array[]> {
  const [, shares] = await Promise.all([
    sendMasks(session, plan, channel, maskSeed),
    receiveShares(session, plan, channel),
  ]);
  return shares;
}

async function sendMasks(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  maskSeed: Uint8Array,
): Promise<void> {
  for (const [i, tensor] of plan.heTensors.entries()) {
    const ciphertexts = traced('encrypt', i, () =>
      session.he.encryptTensor(plan.he.tensors[i], heTensorMask(plan, maskSeed, tensor)),
    );
    await sendTensor(channel, 'input-ciphertexts', i, ciphertexts);
  }
}

async function receiveShares(session: ClientSession, plan: Plan, channel: Channel): Promise<Uint32Array[]> {
  const shares: Uint32Array[] = [];
  for (const [l, { parts }] of plan.he.layers.entries()) {
    const reader = new TensorReader(channel, 'output-ciphertexts', l);
    let share = new Uint32Array(plan.layers[l].elements);
    for (const part of parts) {
      const ciphertexts = await reader.read(part.bytes);
      const partShare = traced('decrypt', l, () => session.he.decryptPart(part, ciphertexts));
      release(ciphertexts);
      share = addShares(share, partShare);
    }
    shares.push(share);
  }
  return shares;
}

/** Server's half. Throws 'crypto/parameters' on ciphertexts that are not well-formed. */
export async function shareLinearServer(
  session: ServerSession,
  plan: Plan,
  network: FixedNetwork,
  channel: Channel,
  bundleSeed: Uint8Array,
): Promise<void> {
  const inputs: EncryptedTensor[] = [];
  for (const [l, { parts }] of plan.he.layers.entries()) {
    const needed = plan.layers[l].heTensors;
    while (inputs.length <= Math.max(...needed)) {
      const packing = plan.he.tensors[inputs.length];
      const bytes = await receiveTensor(channel, 'input-ciphertexts', inputs.length, packing.bytes);
      inputs.push(traced('load ciphertexts', inputs.length, () => session.he.loadTensor(packing, bytes)));
      release(bytes);
    }
    let offset = 0;
    for (const [p, part] of parts.entries()) {
      const kernels = part.terms.map((t) => network.layers[l].kernels[t]);
      const tensors = part.terms.map((t) => inputs[needed[t]]);
      const ciphertexts = traced('multiply', l, () =>
        session.he.evaluatePart(part, kernels, tensors, partMask(plan, bundleSeed, l, p)),
      );
      await sendTensor(channel, 'output-ciphertexts', l, ciphertexts, offset);
      offset += part.bytes;
    }
  }
}
