import { argmaxHash, argmaxServerLabels, evaluateArgmax } from '../crypto/garbling/argmax.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { owned } from '../kernels/release.ts';
import { type BundleSecrets, type BundleSource, readBundle } from './bundle.ts';
import type { Channel } from './channel.ts';
import { garblerKeys } from './masks.ts';
import type { ArgmaxGadget, Chunk } from './plan.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The argmax over the logits, online, in place of the server's share of them:
 *
 *     server -> client: one label per bit of its share a_L, and the masks of the colours of the result
 *
 * The client then holds a label of every bit of both shares, and opens only the indices of the likeliest classes.
 */

/** Client's half. Returns the classes, the likeliest first. `source` stands at the labels of the argmax. */
export async function argmaxClient(
  { gadget: argmax, bytes }: Chunk<ArgmaxGadget>,
  channel: Channel,
  layer: number,
  nonce: Uint8Array,
  source: BundleSource,
): Promise<number[]> {
  const own = readBundle(source, bytes.labels * LABEL_BYTES);
  const tables = readBundle(source, bytes.tables);
  const hash = traced('get ready', layer, () => argmaxHash(argmax, { nonce, layer }));
  try {
    const online = await receiveTensor(channel, 'server-labels', layer, bytes.online);
    return traced('evaluate', layer, () => evaluateArgmax(argmax, hash, tables, own, online));
  } finally {
    hash.close();
  }
}

/** Server's half. `share`: a_L [logits]. */
export async function argmaxServer(
  { gadget: argmax }: Chunk<ArgmaxGadget>,
  channel: Channel,
  layer: number,
  share: Uint32Array,
  secrets: BundleSecrets,
): Promise<void> {
  const keys = garblerKeys(secrets, layer);
  const labels = traced('select labels', layer, () => argmaxServerLabels(argmax, keys, share));
  forgetSecrets(keys);
  await sendTensor(channel, 'server-labels', layer, owned(labels));
}
