import { randomSeed } from '../crypto/prg.ts';
import { wordsToBytes } from '../crypto/ring.ts';
import type { FixedNetwork } from '../model/network.ts';
import { type BundleSink, NONCE_BYTES } from './bundle.ts';
import type { Channel } from './channel.ts';
import { shareLinearClient, shareLinearServer } from './linear-offline.ts';
import { bundleNonce } from './masks.ts';
import type { Plan } from './plan.ts';
import { garbleClient, garbleServer } from './relu-offline.ts';
import type { ClientSession, ServerSession } from './session.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';

/**
 * Prepares one bundle (DELPHI's preprocessing phase), independent of any input. The client's half writes the
 * bundle to `sink` in the order of `bundle.ts`; the server's half keeps nothing but the `bundleSeed` it was
 * given, which must be fresh for every call: preparing twice with one seed would reveal both labels of a wire.
 */
export async function prepareClient(
  session: ClientSession,
  plan: Plan,
  channel: Channel,
  sink: BundleSink,
): Promise<void> {
  const maskSeed = randomSeed();
  const shares = await shareLinearClient(session, plan, channel, maskSeed);
  const nonce = await receiveTensor(channel, 'nonce', 0, NONCE_BYTES);
  sink.write(maskSeed);
  sink.write(nonce);
  for (const share of shares) sink.write(wordsToBytes(share));
  await garbleClient(session, plan, channel, shares, sink);
}

/** Server's half of `prepareClient`. `network` must be the one that `plan` was made from. */
export async function prepareServer(
  session: ServerSession,
  plan: Plan,
  network: FixedNetwork,
  channel: Channel,
  bundleSeed: Uint8Array,
): Promise<void> {
  await shareLinearServer(session, plan, network, channel, bundleSeed);
  await sendTensor(channel, 'nonce', 0, bundleNonce(bundleSeed));
  await garbleServer(session, plan, channel, bundleSeed);
}
