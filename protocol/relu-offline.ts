import { clientBits } from '../crypto/garbling/evaluate.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { garble } from '../crypto/garbling/garble.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { correctLabels, labelCorrections } from '../crypto/ot/correlate.ts';
import { otMatrixBytes } from '../crypto/ot/random-ot.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { release } from '../kernels/release.ts';
import type { BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { inOrder } from './element-order.ts';
import { garblerKeys } from './masks.ts';
import { OT_TREE_BITS, type Plan } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The ReLUs of one layer, offline (DELPHI section 4.2; protocol.md section 3), and the truncation of its linear
 * elements. For every chunk:
 *
 *     client -> server: OT extension matrix, its choices being the bits of its share b_l
 *     server -> client: label corrections, garbled tables
 *
 * Afterwards the client holds one label per bit of its share that a gadget takes, and the tables; the server keeps
 * nothing.
 */

/** The client's side of one chunk's transfers, between its request and the answer. */
export interface Choice {
  readonly choices: Uint8Array;
  readonly messages: Uint8Array;
}

/** Client's first half: asks for the labels of its share b_l [elements]. Appends to `asked`, chunk by chunk. */
export async function chooseLabels(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  layer: number,
  share: Uint32Array,
  asked: Choice[],
): Promise<void> {
  const { chunks, order } = plan.layers[layer];
  const ordered = inOrder(share, order);
  let offset = 0;
  for (const { first, count, gadget } of chunks) {
    const { matrix, ...choice } = traced('choose labels', layer, () => {
      const choices = clientBits(gadget, ordered.subarray(first, first + count));
      return { choices, ...session.ot.extend(choices) };
    });
    asked.push(choice);
    const start = offset;
    offset += matrix.length;
    await sendTensor(channel, 'ot-matrix', layer, matrix, start);
  }
}

/** Client's second half: writes labels and tables to the bundle. Takes what it asked for off the front of `asked`. */
export async function receiveTables(
  plan: Plan,
  channel: Channel,
  layer: number,
  asked: Choice[],
  sink: BundleSink,
): Promise<void> {
  const { chunks } = plan.layers[layer];
  const corrections = new TensorReader(channel, 'ot-corrections', layer);
  const tables = new TensorReader(channel, 'garbled-tables', layer);
  for (const { count, bytes } of chunks) {
    const correction = await corrections.read(bytes.labels * count * LABEL_BYTES);
    const table = await tables.read(bytes.tables * count);
    const choice = asked.shift();
    if (!choice)
      throw new SphynxError(
        'protocol/order',
        `corrections of layer ${layer} came before they were asked for`,
      );
    const { choices, messages } = choice;
    const labels = traced('correct labels', layer, () => correctLabels(messages, choices, correction));
    traced('store', layer, () => {
      sink.write(labels);
      sink.write(table);
    });
    for (const spent of [labels, table, correction, messages, choices]) release(spent);
  }
}

/** Server's half. */
export async function garbleServer(
  session: ServerSession,
  plan: Plan,
  channel: Channel,
  layer: number,
  bundleSeed: Uint8Array,
): Promise<void> {
  const { chunks } = plan.layers[layer];
  const keys = garblerKeys(bundleSeed, layer);
  const matrices = new TensorReader(channel, 'ot-matrix', layer);
  const offsets = { corrections: 0, tables: 0 };
  try {
    for (const { first, count, gadget, bytes } of chunks) {
      const transfers = bytes.labels * count;
      const matrix = await matrices.read(otMatrixBytes(transfers, OT_TREE_BITS));
      const { zero, corrections } = traced('offer labels', layer, () => {
        const { zero, one } = session.ot.extend(transfers, matrix);
        const corrections = labelCorrections(zero, one, keys.delta);
        for (const spent of [matrix, one]) release(spent);
        return { zero, corrections };
      });
      await sendTensor(channel, 'ot-corrections', layer, corrections, offsets.corrections);
      offsets.corrections += transfers * LABEL_BYTES;
      const tables = traced('garble', layer, () => garble(gadget, keys, first, count, zero));
      release(zero);
      await sendTensor(channel, 'garbled-tables', layer, tables, offsets.tables);
      offsets.tables += bytes.tables * count;
    }
  } finally {
    forgetSecrets(keys);
  }
}
