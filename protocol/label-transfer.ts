import { otMatrixBytes } from '../crypto/ot/correlated-ot.ts';
import {
  CHALLENGE_BYTES,
  type ChosenLabels,
  checkChoices,
  PROOF_BYTES,
  proveChoices,
  SPARE_TRANSFERS,
} from '../crypto/ot/extension-check.ts';
import { owned, ownedCopy, release } from '../kernels/release.ts';
import { randomBytes } from '../platform/random-bytes.ts';
import type { Channel } from './channel.ts';
import { OT_TREE_BITS } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The client's input labels of one layer, by correlated OT (docs/protocol.md, section 5):
 *
 *     client -> server: an extension matrix per run of transfers, and one for the spare transfers of the check
 *     server -> client: the challenge of the check
 *     client -> server: the proof that all rows of each matrix encode the same choices
 *
 * A run is some chunks of the layer. Nothing that depends on Delta leaves the server before the proof has
 * passed.
 */

/** The client's state between its matrices and the tables: labels and choices of every run. */
export interface LabelRequest {
  readonly runs: ChosenLabels[];
  readonly spare: ChosenLabels;
}

/** The server's state between the matrices and the tables: the labels for 0 of every run, not yet checked. */
export interface LabelOffer {
  readonly zero: Uint8Array[];
  readonly spareZero: Uint8Array;
  readonly challenge: Uint8Array;
}

/** Client: sends the matrices. `choices`: for every run a byte 0 or 1 per transfer, computed when needed. */
export async function requestLabels(
  session: ClientSession,
  channel: Channel,
  layer: number,
  choices: Iterable<() => Uint8Array>,
): Promise<LabelRequest> {
  const ot = await session.ot.ready(channel);
  let offset = 0;
  const extend = async (choose: () => Uint8Array): Promise<ChosenLabels> => {
    const { matrix, chosen } = traced('choose labels', layer, () => {
      const choices = choose();
      const { matrix, labels } = ot.extend(choices);
      return { matrix, chosen: { choices, labels } };
    });
    const start = offset;
    offset += matrix.length;
    await sendTensor(channel, 'ot-matrix', layer, owned(matrix), start);
    return chosen;
  };
  const runs: ChosenLabels[] = [];
  for (const choose of choices) runs.push(await extend(choose));
  const spare = await extend(() => randomBytes(SPARE_TRANSFERS).map((byte) => byte & 1));
  return { runs, spare };
}

/** Client: receives the server's challenge for a layer. */
export function receiveChallenge(channel: Channel, layer: number): Promise<Uint8Array> {
  return receiveTensor(channel, 'ot-challenge', layer, CHALLENGE_BYTES);
}

/** Client: sends the proof. */
export async function sendProof(
  channel: Channel,
  layer: number,
  { runs, spare }: LabelRequest,
  challenge: Uint8Array,
): Promise<void> {
  const proof = traced('prove choices', layer, () => proveChoices(challenge, runs, spare));
  await sendTensor(channel, 'ot-proof', layer, owned(proof));
}

/** Server: receives the matrices and sends the challenge. `runs`: transfers of each. */
export async function offerLabels(
  session: ServerSession,
  channel: Channel,
  layer: number,
  runs: readonly number[],
): Promise<LabelOffer> {
  const ot = await session.ot.ready(channel);
  const reader = new TensorReader(channel, 'ot-matrix', layer);
  const extend = async (count: number) => {
    const matrix = await reader.read(otMatrixBytes(count, OT_TREE_BITS));
    const labels = traced('offer labels', layer, () => ot.extend(count, matrix));
    release(matrix);
    return labels;
  };
  const zero: Uint8Array[] = [];
  for (const count of runs) zero.push(await extend(count));
  const spareZero = await extend(SPARE_TRANSFERS);
  const challenge = session.ot.drawChallenge();
  await sendTensor(channel, 'ot-challenge', layer, ownedCopy(challenge));
  return { zero, spareZero, challenge };
}

/**
 * Server: receives and checks the proof. Throws 'protocol/inconsistent' if the client has cheated; the session must
 * then end. Returns the labels for 0 of every run.
 */
export async function checkedLabels(
  session: ServerSession,
  channel: Channel,
  layer: number,
  { zero, spareZero, challenge }: LabelOffer,
): Promise<Uint8Array[]> {
  const proof = await receiveTensor(channel, 'ot-proof', layer, PROOF_BYTES);
  traced('check choices', layer, () => checkChoices(challenge, zero, spareZero, session.ot.delta, proof));
  return zero;
}
