import { argmaxChoices, garbleArgmax } from '../crypto/garbling/argmax.ts';
import { LABEL_BYTES } from '../crypto/garbling/gadget.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { correctLabels, labelCorrections } from '../crypto/ot/correlate.ts';
import { otMatrixBytes } from '../crypto/ot/random-ot.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import { garblerKeys } from './masks.ts';
import { type ArgmaxPlan, OT_TREE_BITS } from './plan.ts';
import type { Choice } from './relu-offline.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The argmax over the logits, offline: as the chunk of a ReLU layer (relu-offline.ts), under the number of the last
 * layer, whose shares it reads.
 *
 *     client -> server: OT extension matrix, its choices being the bits of its share b_L
 *     server -> client: label corrections, garbled tables
 */

/** Client's first half: asks for the labels of its share b_L [logits]. */
export async function chooseArgmax(
  session: ClientSession,
  { argmax }: ArgmaxPlan,
  channel: Channel,
  layer: number,
  share: Uint32Array,
  asked: Choice[],
): Promise<void> {
  const { matrix, ...choice } = traced('choose labels', layer, () => {
    const choices = argmaxChoices(argmax, share);
    return { choices, ...session.ot.extend(choices) };
  });
  asked.push(choice);
  await sendTensor(channel, 'ot-matrix', layer, matrix);
}

/** Client's second half: writes labels and tables to the bundle. Takes what it asked for off the front of `asked`. */
export async function receiveArgmax(
  { bytes }: ArgmaxPlan,
  channel: Channel,
  layer: number,
  asked: Choice[],
  sink: BundleSink,
): Promise<void> {
  const corrections = await new TensorReader(channel, 'ot-corrections', layer).read(
    bytes.labels * LABEL_BYTES,
  );
  const tables = await new TensorReader(channel, 'garbled-tables', layer).read(bytes.tables);
  const choice = asked.shift();
  if (!choice)
    throw new SphynxError('protocol/order', 'corrections of the argmax came before they were asked for');
  const { choices, messages } = choice;
  sink.write(traced('correct labels', layer, () => correctLabels(messages, choices, corrections)));
  traced('store', layer, () => sink.write(tables));
}

/** Server's half. */
export async function garbleArgmaxServer(
  session: ServerSession,
  { argmax, bytes }: ArgmaxPlan,
  channel: Channel,
  layer: number,
  bundleSeed: Uint8Array,
): Promise<void> {
  const keys = garblerKeys(bundleSeed, layer);
  const reader = new TensorReader(channel, 'ot-matrix', layer);
  const matrix = await reader.read(otMatrixBytes(bytes.labels, OT_TREE_BITS));
  const { zero, corrections } = traced('offer labels', layer, () => {
    const { zero, one } = session.ot.extend(bytes.labels, matrix);
    return { zero, corrections: labelCorrections(zero, one, keys.delta) };
  });
  await sendTensor(channel, 'ot-corrections', layer, corrections);
  const tables = traced('garble', layer, () => garbleArgmax(argmax, keys, zero));
  forgetSecrets(keys);
  await sendTensor(channel, 'garbled-tables', layer, tables);
}
