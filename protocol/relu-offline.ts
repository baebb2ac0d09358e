import { clientBits } from '../crypto/garbling/evaluate.ts';
import { garble } from '../crypto/garbling/garble.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { release } from '../kernels/release.ts';
import type { BundleSecrets, BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { inOrder } from './element-order.ts';
import type { LabelRequest } from './label-transfer.ts';
import { garblerKeys } from './masks.ts';
import type { LayerPlan, Plan } from './plan.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The ReLUs of one layer, offline (DELPHI section 4.2; protocol.md section 3), and the truncation of its linear
 * elements. The client asks for the labels of its share b_l (label-transfer.ts); then, for every chunk:
 *
 *     server -> client: garbled tables
 *
 * Afterwards the client holds one label per bit of its share that a gadget takes, and the tables; the server keeps
 * nothing.
 */

/** Client: the choices of its transfers, chunk by chunk. `share`: b_l [elements]. */
export function* reluChoices({ chunks, order }: LayerPlan, share: Uint32Array): Generator<() => Uint8Array> {
  const ordered = inOrder(share, order);
  for (const { first, count, gadget } of chunks)
    yield () => clientBits(gadget, ordered.subarray(first, first + count));
}

/** Client: writes labels and tables to the bundle. `request`: what it asked for. */
export async function receiveTables(
  plan: Plan,
  channel: Channel,
  layer: number,
  { runs }: LabelRequest,
  sink: BundleSink,
): Promise<void> {
  const tables = new TensorReader(channel, 'garbled-tables', layer);
  for (const [i, { count, bytes }] of plan.layers[layer].chunks.entries()) {
    const table = await tables.read(bytes.tables * count);
    const { labels, choices } = runs[i];
    traced('store', layer, () => {
      sink.write(labels);
      sink.write(table);
    });
    for (const spent of [labels, choices, table]) release(spent);
  }
}

/** Server. `zero`: its labels for 0 of each chunk, whose transfers have passed the check. */
export async function garbleServer(
  plan: Plan,
  channel: Channel,
  layer: number,
  secrets: BundleSecrets,
  zero: readonly Uint8Array[],
): Promise<void> {
  const keys = garblerKeys(secrets, layer);
  let offset = 0;
  try {
    for (const [i, { first, count, gadget, bytes }] of plan.layers[layer].chunks.entries()) {
      const tables = traced('garble', layer, () => garble(gadget, keys, first, count, zero[i]));
      release(zero[i]);
      await sendTensor(channel, 'garbled-tables', layer, tables, offset);
      offset += bytes.tables * count;
    }
  } finally {
    forgetSecrets(keys);
  }
}
