import { evaluate } from '../crypto/garbling/evaluate.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { removeMask, serverLabels } from '../crypto/garbling/online.ts';
import { bytesToWords, subtractShares, wordsToBytes } from '../crypto/ring.ts';
import type { BundleSource } from './bundle.ts';
import type { Channel } from './channel.ts';
import { garblerKeys } from './masks.ts';
import type { Plan } from './plan.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * One ReLU layer, online (DELPHI section 4.2; protocol.md section 3). For every chunk:
 *
 *     server -> client: the digit keys of its share a_l
 *     client -> server: v - r, where v = ReLU(x) + rho
 *
 * Afterwards the server holds x - r for the next layer.
 */

/** Client's half. `share`: b_l; `mask`: r of the tensor that the layer produces [elements]. */
export async function reluClient(
  plan: Plan,
  channel: Channel,
  layer: number,
  nonce: Uint8Array,
  share: Uint32Array,
  mask: Uint32Array,
  source: BundleSource,
): Promise<void> {
  const { gadget, chunks, bytes } = plan.layers[layer];
  if (!gadget) return;
  const labels = new TensorReader(channel, 'server-labels', layer);
  // Replies leave while the next labels come in; waiting for each would let both sides block on a full window.
  const replies: Promise<void>[] = [];
  for (const { first, count } of chunks) {
    const { clientLabels, tables } = traced('load', layer, () => ({
      clientLabels: source.read(bytes.labels * count * LABEL_BYTES),
      tables: source.read(bytes.tables * count),
    }));
    const online = await labels.read(bytes.online * count);
    const own = share.subarray(first, first + count);
    const output = traced('evaluate', layer, () =>
      evaluate(gadget, nonce, layer, first, count, own, tables, clientLabels, online),
    );
    const masked = subtractShares(output, mask.subarray(first, first + count));
    const reply = sendTensor(channel, 'masked-activations', layer, wordsToBytes(masked), 4 * first);
    reply.catch(() => {}); // seen by Promise.all below, or a sign of the same end that the next read meets
    replies.push(reply);
  }
  await Promise.all(replies);
}

/** Server's half. `share`: a_l [elements]. Returns x - r of the next tensor [elements]. */
export async function reluServer(
  plan: Plan,
  channel: Channel,
  layer: number,
  share: Uint32Array,
  bundleSeed: Uint8Array,
): Promise<Uint32Array> {
  const { gadget, chunks, bytes, elements } = plan.layers[layer];
  const next = new Uint32Array(elements);
  if (!gadget) return next;
  const keys = garblerKeys(bundleSeed, layer);
  const sendLabels = async () => {
    for (const { first, count } of chunks) {
      const own = share.subarray(first, first + count);
      const labels = traced('select labels', layer, () => serverLabels(gadget, keys, first, count, own));
      await sendTensor(channel, 'server-labels', layer, labels, bytes.online * first);
    }
  };
  const receiveActivations = async () => {
    const activations = new TensorReader(channel, 'masked-activations', layer);
    for (const { first, count } of chunks) {
      const received = bytesToWords(await activations.read(4 * count));
      const own = share.subarray(first, first + count);
      next.set(
        traced('remove masks', layer, () => removeMask(gadget, keys, first, count, received, own)),
        first,
      );
    }
  };
  await Promise.all([sendLabels(), receiveActivations()]);
  return next;
}
