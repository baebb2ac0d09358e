import { argmaxChoices, garbleArgmax } from '../crypto/garbling/argmax.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import type { BundleSecrets, BundleSink } from './bundle.ts';
import type { Channel } from './channel.ts';
import type { LabelRequest } from './label-transfer.ts';
import { garblerKeys } from './masks.ts';
import type { ArgmaxPlan } from './plan.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The argmax over the logits, offline: as the one chunk of a ReLU layer (relu-offline.ts), under the number of the last
 * layer, whose shares it reads.
 */

/** Client: the choices of its transfers. `share`: b_L [logits]. */
export function* logitChoices({ argmax }: ArgmaxPlan, share: Uint32Array): Generator<() => Uint8Array> {
  yield () => argmaxChoices(argmax, share);
}

/** Client: writes labels and tables to the bundle. */
export async function receiveArgmax(
  { bytes }: ArgmaxPlan,
  channel: Channel,
  layer: number,
  { runs: [{ labels }] }: LabelRequest,
  sink: BundleSink,
): Promise<void> {
  const tables = await receiveTensor(channel, 'garbled-tables', layer, bytes.tables);
  traced('store', layer, () => {
    sink.write(labels);
    sink.write(tables);
  });
}

/** Server. `zero`: its labels for 0 of the transfers, which have passed the check. */
export async function garbleArgmaxServer(
  { argmax }: ArgmaxPlan,
  channel: Channel,
  layer: number,
  secrets: BundleSecrets,
  zero: Uint8Array,
): Promise<void> {
  const keys = garblerKeys(secrets, layer);
  const tables = traced('garble', layer, () => garbleArgmax(argmax, keys, zero));
  forgetSecrets(keys);
  await sendTensor(channel, 'garbled-tables', layer, tables);
}
