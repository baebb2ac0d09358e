import { clientBits } from '../crypto/garbling/evaluate.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { garble } from '../crypto/garbling/garble.ts';
import { correctLabels, labelCorrections } from '../crypto/ot/correlate.ts';
import { otMatrixBytes } from '../crypto/ot/random-ot.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import { release } from '../kernels/release.ts';
import type { BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { garblerKeys } from './masks.ts';
import type { Plan } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * ReLU layers, offline (DELPHI section 4.2; protocol.md section 3). For every chunk of every ReLU layer:
 *
 *     client -> server: OT extension matrix, its choices being the bits of its share b_l
 *     server -> client: label corrections, garbled tables
 *
 * Afterwards the client holds one label per bit of its share and the tables; the server keeps nothing.
 */

/** Client's half: writes labels and tables to the bundle. `shares`: b_l of every layer. */
export async function garbleClient(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  shares: Uint32Array[],
  sink: BundleSink,
): Promise<void> {
  const waiting: { choices: Uint8Array; messages: Uint8Array }[] = [];
  const sendMatrices = async () => {
    for (const [l, { gadget, chunks }] of plan.layers.entries()) {
      if (!gadget) continue;
      let offset = 0;
      for (const { first, count } of chunks) {
        const choices = clientBits(gadget, shares[l].subarray(first, first + count));
        const { matrix, messages } = traced('choose labels', l, () => session.ot.extend(choices));
        waiting.push({ choices, messages });
        const start = offset;
        offset += matrix.length;
        await sendTensor(channel, 'ot-matrix', l, matrix, start);
      }
    }
  };
  const receiveTables = async () => {
    for (const [l, { gadget, chunks, bytes }] of plan.layers.entries()) {
      if (!gadget) continue;
      const corrections = new TensorReader(channel, 'ot-corrections', l);
      const tables = new TensorReader(channel, 'garbled-tables', l);
      for (const { count } of chunks) {
        const correction = await corrections.read(bytes.labels * count * LABEL_BYTES);
        const table = await tables.read(bytes.tables * count);
        const asked = waiting.shift();
        if (!asked)
          throw new SphynxError(
            'protocol/order',
            `corrections of layer ${l} came before they were asked for`,
          );
        const labels = traced('correct labels', l, () =>
          correctLabels(asked.messages, asked.choices, correction),
        );
        traced('store', l, () => {
          sink.write(labels);
          sink.write(table);
          for (const spent of [labels, table, correction, asked.messages, asked.choices]) release(spent);
        });
      }
    }
  };
  await Promise.all([sendMatrices(), receiveTables()]);
}

/** Server's half. */
export async function garbleServer(
  session: ServerSession,
  plan: Plan,
  channel: Channel,
  bundleSeed: Uint8Array,
): Promise<void> {
  for (const [l, { gadget, chunks, bytes }] of plan.layers.entries()) {
    if (!gadget) continue;
    const keys = garblerKeys(bundleSeed, l);
    const matrices = new TensorReader(channel, 'ot-matrix', l);
    for (const { first, count } of chunks) {
      const transfers = bytes.labels * count;
      const matrix = await matrices.read(otMatrixBytes(transfers));
      const { zero, corrections } = traced('offer labels', l, () => {
        const { zero, one } = session.ot.extend(transfers, matrix);
        const corrections = labelCorrections(zero, one, keys.delta);
        release(matrix);
        release(one);
        return { zero, corrections };
      });
      await sendTensor(channel, 'ot-corrections', l, corrections, bytes.labels * first * LABEL_BYTES);
      const tables = traced('garble', l, () => garble(gadget, keys, first, count, zero));
      release(zero);
      await sendTensor(channel, 'garbled-tables', l, tables, bytes.tables * first);
    }
  }
}
