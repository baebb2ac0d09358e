import type { EncryptedTensor } from '../crypto/he/server.ts';
import { randomSeed } from '../crypto/prg.ts';
import { wordsToBytes } from '../crypto/ring.ts';
import type { FixedNetwork } from '../model/network.ts';
import { chooseArgmax, garbleArgmaxServer, receiveArgmax } from './argmax-offline.ts';
import { type BundleSink, NONCE_BYTES } from './bundle.ts';
import type { Channel } from './channel.ts';
import { receiveShare, sendMasks, shareServer } from './linear-offline.ts';
import { bundleNonce } from './masks.ts';
import type { Plan } from './plan.ts';
import { type Choice, chooseLabels, garbleServer, receiveTables } from './relu-offline.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';

/**
 * Prepares one bundle (DELPHI's preprocessing phase), independent of any input. The server is always one linear
 * layer ahead of the ReLUs, so that it multiplies while the client decrypts, chooses and stores, and the other
 * way round. For l = 0, 1, ..., with `in` and `out` for linear layer l and `ot` and `tables` for ReLU layer l:
 *
 *     client -> server:         in 0 | in 1, ot 0 | in 2, ot 1 | ...
 *     server -> client: nonce | out 0 | out 1, tables 0 | out 2, tables 1 | ...
 *
 * Where the client learns classes alone, ot and tables of the argmax over the logits end it (argmax-offline.ts).
 *
 * The client's half writes the bundle to `sink` in the order of `bundle.ts`; the server's half keeps nothing but
 * the `bundleSeed` it was given, which must be fresh for every call: preparing twice with one seed would reveal
 * both labels of a wire.
 */
export async function prepareClient(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  sink: BundleSink,
): Promise<void> {
  const layers = [...plan.layers.keys()];
  const last = layers.length - 1;
  const maskSeed = randomSeed();
  const shares = layers.map(() => Promise.withResolvers<Uint32Array>());
  const asked: Choice[] = [];
  const speak = async () => {
    await sendMasks(session, plan, channel, 0, maskSeed);
    for (const l of layers) {
      if (l + 1 < layers.length) await sendMasks(session, plan, channel, l + 1, maskSeed);
      await chooseLabels(session, plan, channel, l, await shares[l].promise, asked);
    }
    if (plan.argmax)
      await chooseArgmax(session, plan.argmax, channel, last, await shares[last].promise, asked);
  };
  const listen = async () => {
    sink.write(maskSeed);
    sink.write(await receiveTensor(channel, 'nonce', 0, NONCE_BYTES));
    const store = async (l: number) => {
      sink.write(wordsToBytes(await shares[l].promise));
      await receiveTables(plan, channel, l, asked, sink);
    };
    for (const l of layers) {
      shares[l].resolve(await receiveShare(session, plan, channel, l));
      if (l > 0) await store(l - 1);
    }
    await store(last);
    if (plan.argmax) await receiveArgmax(plan.argmax, channel, last, asked, sink);
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
  const inputs: EncryptedTensor[] = [];
  await sendTensor(channel, 'nonce', 0, bundleNonce(bundleSeed));
  for (const l of plan.layers.keys()) {
    await shareServer(session, plan, network, channel, l, inputs, bundleSeed);
    if (l > 0) await garbleServer(session, plan, channel, l - 1, bundleSeed);
  }
  if (plan.argmax)
    await garbleArgmaxServer(session, plan.argmax, channel, plan.layers.length - 1, bundleSeed);
}
