import { clientBits } from '../crypto/garbling/evaluate.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { garble } from '../crypto/garbling/garble.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { release } from '../kernels/release.ts';
import type { BundleSecrets, BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { inOrder } from './element-order.ts';
import type { LabelRequest } from './label-transfer.ts';
import { garblerKeys } from './masks.ts';
import { type Chunk, chunkTransfers, type LayerPlan, type Plan } from './plan.ts';
import { segmentsOf, sendTensor, TensorReader } from './tensor-stream.ts';
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

/** Client: the choices of its transfers, run by run. `share`: b_l [elements]. */
export function* reluChoices({ runs, order }: LayerPlan, share: Uint32Array): Generator<() => Uint8Array> {
  const ordered = inOrder(share, order);
  for (const chunks of runs)
    yield () => {
      const choices = chunks.map(({ first, count, gadget }) =>
        clientBits(gadget, ordered.subarray(first, first + count)),
      );
      return joined(choices);
    };
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
  for (const [i, chunks] of plan.layers[layer].runs.entries()) {
    const { labels, choices } = runs[i];
    for (const { chunk, own } of withLabels(chunks, labels)) {
      traced('store', layer, () => sink.write(own));
      for await (const piece of tables.pieces(chunk.bytes.tables * chunk.count)) {
        traced('store', layer, () => sink.write(piece));
        release(piece);
      }
    }
    for (const spent of [labels, choices]) release(spent);
  }
}

/** Server. `zero`: its labels for 0 of each run, whose transfers have passed the check. */
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
    for (const [i, chunks] of plan.layers[layer].runs.entries()) {
      for (const { chunk, own } of withLabels(chunks, zero[i])) {
        const { gadget, first, count } = chunk;
        const tables = traced('garble', layer, () => garble(gadget, keys, first, count, own, segmentsOf));
        for (const piece of tables) {
          const start = offset;
          offset += piece.length;
          await sendTensor(channel, 'garbled-tables', layer, piece, start);
        }
      }
      release(zero[i]);
    }
  } finally {
    forgetSecrets(keys);
  }
}

/** The chunks of a run with their part of its labels, which stand one after another. */
function* withLabels(
  chunks: readonly Chunk[],
  labels: Uint8Array,
): Generator<{ chunk: Chunk; own: Uint8Array }> {
  let start = 0;
  for (const chunk of chunks) {
    const end = start + LABEL_BYTES * chunkTransfers(chunk);
    yield { chunk, own: labels.subarray(start, end) };
    start = end;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let start = 0;
  for (const part of parts) {
    whole.set(part, start);
    start += part.length;
  }
  return whole;
}
