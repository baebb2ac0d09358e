import type { EncryptedTensor } from '../crypto/he/server.ts';
import { randomSeed } from '../crypto/prg.ts';
import { wordsToBytes } from '../crypto/ring.ts';
import { owned } from '../kernels/release.ts';
import type { FixedNetwork } from '../model/network.ts';
import { type BundleSink, NONCE_BYTES } from './bundle.ts';
import type { Channel } from './channel.ts';
import { gadgetChoices, garbleServer, receiveTables } from './gadgets-offline.ts';
import {
  checkedLabels,
  type LabelOffer,
  type LabelRequest,
  offerLabels,
  receiveChallenge,
  requestLabels,
  sendProof,
} from './label-transfer.ts';
import { receiveShare, sendMasks, shareServer } from './linear-offline.ts';
import { bundleNonce } from './masks.ts';
import { type Plan, transferRuns } from './plan.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';

/**
 * Linear layers that the server multiplies before it processes the labels of the first, which hides the base OTs of a
 * session.
 */
const LEAD = 4;

/**
 * Prepares one bundle (DELPHI's preprocessing phase), independent of any input. The server is always LEAD linear layers
 * ahead of the labels, and the tables are one layer behind them, so that it multiplies while the client decrypts,
 * chooses and stores, and vice versa; neither waits for the round trip of the check. With `in` and `out` for linear
 * layer l; `ot`, `challenge` and `proof` for the labels of its nonlinearity (label-transfer.ts), and `tables` for that:
 *
 *     client -> server:         in 0 .. in 3  | in 4, ot 0        | in 5, ot 1, proof 0               | ...
 *     server -> client: nonce | out 0 .. out 3 | out 4, challenge 0 | out 5, challenge 1, tables 0     | ...
 *
 * The last layer has no nonlinearity or, if the client learns only classes, the argmax over the logits.
 *
 * The client's half writes the bundle to `sink` in the order of `bundle.ts`; the server's half keeps nothing but the
 * `bundleSeed` it was given, which must be fresh for every call: preparing twice with one seed would reveal both labels
 * of a wire.
 */
export async function prepareClient(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  sink: BundleSink,
): Promise<void> {
  const layers = [...plan.layers.keys()];
  const last = layers.length - 1;
  const hasChunks = (l: number) => l in plan.layers && plan.layers[l].chunks.length > 0;
  const maskSeed = randomSeed();
  const shares = layers.map(() => Promise.withResolvers<Uint32Array>());
  const challenges = layers.map(() => Promise.withResolvers<Uint8Array>());
  const requests: LabelRequest[] = [];
  const proofs = layers.map(() => Promise.withResolvers<void>());
  const request = async (l: number) => {
    if (!hasChunks(l)) return;
    const share = await shares[l].promise;
    requests[l] = await requestLabels(session, channel, l, gadgetChoices(plan, l, share, maskSeed));
  };
  const prove = async (l: number) => {
    if (!hasChunks(l)) return;
    await sendProof(channel, l, requests[l], await challenges[l].promise);
    proofs[l].resolve();
  };
  const speak = async () => {
    for (const l of stepsOf(plan)) {
      if (l <= last) await sendMasks(session, plan, channel, l, maskSeed);
      await request(l - LEAD);
      await prove(l - LEAD - 1);
    }
  };
  const listen = async () => {
    const nonce = await receiveTensor(channel, 'nonce', 0, NONCE_BYTES);
    sink.write(maskSeed);
    sink.write(nonce);
    const hear = async (l: number) => {
      if (hasChunks(l)) challenges[l].resolve(await receiveChallenge(channel, l));
    };
    const store = async (l: number) => {
      if (l < 0) return;
      sink.write(wordsToBytes(await shares[l].promise));
      if (!hasChunks(l)) return;
      // Tables that come earlier than an honest server sends them must not use up what the proof reads.
      await proofs[l].promise;
      await receiveTables(plan, channel, l, requests[l], { maskSeed, nonce }, sink);
    };
    for (const l of stepsOf(plan)) {
      if (l <= last) shares[l].resolve(await receiveShare(session, plan, channel, l));
      await hear(l - LEAD);
      await store(l - LEAD - 1);
    }
  };
  await Promise.all([speak(), listen()]);
}

/** Server's half of `prepareClient`. `network` must be the one that `plan` was made from. */
export async function prepareServer(
  session: ServerSession,
  plan: Plan,
  network: FixedNetwork,
  channel: Channel,
  bundleSeed: Uint8Array,
): Promise<void> {
  const last = plan.layers.length - 1;
  const secrets = { seed: bundleSeed, delta: session.ot.delta };
  const inputs: EncryptedTensor[] = [];
  const offers = new Map<number, LabelOffer>();
  const offer = async (l: number) => {
    const runs = l in plan.layers ? transferRuns(plan.layers[l]) : [];
    if (runs.length > 0) offers.set(l, await offerLabels(session, channel, l, runs));
  };
  const garble = async (l: number) => {
    const made = offers.get(l);
    if (!made) return;
    offers.delete(l);
    const zero = await checkedLabels(session, channel, l, made);
    await garbleServer(plan, channel, l, secrets, zero);
  };
  await sendTensor(channel, 'nonce', 0, owned(bundleNonce(bundleSeed)));
  for (const l of stepsOf(plan)) {
    if (l <= last) await shareServer(session, plan, network, channel, l, inputs, bundleSeed);
    await offer(l - LEAD);
    await garble(l - LEAD - 1);
  }
}

/** Both parties' steps: in step l linear layer l, the labels of layer l - LEAD and the tables of the layer before that. */
function stepsOf({ layers }: Plan): number[] {
  return [...Array(layers.length + LEAD + 1).keys()];
}
