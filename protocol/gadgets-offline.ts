import { argmaxChoices, garbleArgmax } from '../crypto/garbling/argmax.ts';
import { clientBits } from '../crypto/garbling/evaluate.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { garble } from '../crypto/garbling/garble.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { joinBytes } from '../crypto/join-bytes.ts';
import { garbleSquares, keepSquares, squareChoices } from '../crypto/squares/square.ts';
import { owned, release } from '../kernels/release.ts';
import type { BundleSecrets, BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { inOrder } from './element-order.ts';
import type { LabelRequest } from './label-transfer.ts';
import { garblerKeys, squareMask } from './masks.ts';
import { type Chunk, chunkTransfers, type Plan } from './plan.ts';
import { segmentsOf, sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The gadgets of one layer, offline (DELPHI, preprocessing phase): its ReLUs and the truncation of its linear elements
 * (docs/protocol.md, section 3) and its squares (section 4); or, as one chunk over all logits, their argmax (section 6).
 * The client asks for the labels of its share b_l (label-transfer.ts); then, for every chunk:
 *
 *     server -> client: garbled tables
 *
 * Afterwards the client holds one label per bit of its share that a gadget takes, and the tables; the server keeps
 * nothing.
 */

/** Client: the choices of its transfers, run by run. `share`: b_l [elements]. */
export function* gadgetChoices(
  { layers }: Plan,
  layer: number,
  share: Uint32Array,
  maskSeed: Uint8Array,
): Generator<() => Uint8Array> {
  const { runs, order } = layers[layer];
  const ordered = inOrder(share, order);
  const choicesOf = (chunk: Chunk) => {
    const { first, count, gadget } = chunk;
    if (gadget.kind === 'argmax') return argmaxChoices(gadget, ordered);
    const own = ordered.subarray(first, first + count);
    return gadget.kind === 'square'
      ? squareChoices(gadget, own, squareMask(maskSeed, layer, chunk))
      : clientBits(gadget, own);
  };
  for (const chunks of runs) yield () => joinBytes(chunks.map(choicesOf));
}

/**
 * Client: writes the kept part of labels and tables to the bundle. `request`: the client's request for these labels.
 */
export async function receiveTables(
  plan: Plan,
  channel: Channel,
  layer: number,
  { runs }: LabelRequest,
  { maskSeed, nonce }: { readonly maskSeed: Uint8Array; readonly nonce: Uint8Array },
  sink: BundleSink,
): Promise<void> {
  const tables = new TensorReader(channel, 'garbled-tables', layer);
  for (const [i, chunks] of plan.layers[layer].runs.entries()) {
    const { labels, choices } = runs[i];
    for (const { chunk, own } of withLabels(chunks, labels)) {
      const bytes = chunk.bytes.tables * chunk.count;
      if (chunk.gadget.kind === 'square') {
        const { first, count } = chunk;
        const mask = squareMask(maskSeed, layer, chunk);
        const table = await tables.read(bytes);
        const kept = keepSquares(nonce, layer, first, count, mask, own, table);
        release(table);
        traced('store', layer, () => sink.write(kept.labels));
        traced('store', layer, () => sink.write(kept.tables));
        continue;
      }
      traced('store', layer, () => sink.write(own));
      for await (const piece of tables.pieces(bytes)) {
        traced('store', layer, () => sink.write(piece));
        release(piece);
      }
    }
    for (const spent of [labels, choices]) release(owned(spent));
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
        const tables = traced('garble', layer, () => {
          if (gadget.kind === 'argmax') return segmentsOf(garbleArgmax(gadget, keys, own));
          if (gadget.kind === 'square') return segmentsOf(garbleSquares(gadget, keys, first, count, own));
          return garble(gadget, keys, first, count, own, segmentsOf);
        });
        for (const piece of tables) {
          const start = offset;
          offset += piece.length;
          await sendTensor(channel, 'garbled-tables', layer, piece, start);
        }
      }
      release(owned(zero[i]));
    }
  } finally {
    forgetSecrets(keys);
  }
}

/** Yields the chunks of a run with their consecutive parts of its labels. */
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
