import { HeClient } from '../crypto/he/client.ts';
import type { KernelCache } from '../crypto/he/kernel-cache.ts';
import { SEED_BYTES as KEY_SEED_BYTES, PUBLIC_KEY_BYTES } from '../crypto/he/parameters.ts';
import { HeServer } from '../crypto/he/server.ts';
import {
  BASE_OT_MESSAGE_BYTES,
  BASE_OT_REPLY_BYTES,
  BaseOtReceiver,
  BaseOtSender,
} from '../crypto/ot/base-ot.ts';
import { RandomOtReceiver, RandomOtSender, treeMessageBytes } from '../crypto/ot/random-ot.ts';
import { randomBytes } from '../edge/random-bytes.ts';
import { clearKernels } from '../kernels/load.ts';
import type { Channel } from './channel.ts';
import { OT_TREE_BITS } from './plan.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { NO_LAYER, traced } from './trace.ts';

/**
 * Once per Preprocess stream: the HE public key, one half by each party, and 128 base OTs (protocol.md section 4). Any
 * number of bundles can then be prepared, one after another. Nothing of it outlives the stream, so OT extension
 * counters cannot repeat after a restart. Both speak at once, so the server's seed costs no round trip.
 *
 *     server -> client: public key seed          client -> server: base OT message
 *     server -> client: base OT reply
 *     client -> server: public key, OT trees
 */
export interface ClientSession {
  readonly he: HeClient;
  readonly ot: RandomOtReceiver;
}

export interface ServerSession {
  readonly he: HeServer;
  readonly ot: RandomOtSender;
}

/** Client's half. The caller closes the session with `closeSession`. */
export async function openClientSession(channel: Channel): Promise<ClientSession> {
  const base = traced('base OTs', NO_LAYER, () => new BaseOtSender());
  await sendTensor(channel, 'base-ot-message', 0, base.message.slice());
  const seed = await receiveTensor(channel, 'public-key-seed', 0, KEY_SEED_BYTES);
  const he = traced('HE keys', NO_LAYER, () => new HeClient(seed));
  return orClosed(he, async () => {
    const reply = await receiveTensor(channel, 'base-ot-reply', 0, BASE_OT_REPLY_BYTES);
    await sendTensor(channel, 'public-key', 0, he.publicKey.slice());
    const pairs = traced('base OTs', NO_LAYER, () => base.finish(reply));
    const ot = traced('OT trees', NO_LAYER, () => new RandomOtReceiver(pairs, OT_TREE_BITS));
    await orClosed(ot, () => sendTensor(channel, 'ot-trees', 0, ot.treeMessage.slice()));
    return { he, ot };
  });
}

/** Server's half. `cache`: transformed kernels, of this thread. Throws 'crypto/parameters' or 'crypto/input' on keys or points that are not well-formed. */
export async function openServerSession(channel: Channel, cache?: KernelCache): Promise<ServerSession> {
  const seed = randomBytes(KEY_SEED_BYTES);
  await sendTensor(channel, 'public-key-seed', 0, seed.slice());
  const message = await receiveTensor(channel, 'base-ot-message', 0, BASE_OT_MESSAGE_BYTES);
  const base = traced('base OTs', NO_LAYER, () => new BaseOtReceiver(message));
  await sendTensor(channel, 'base-ot-reply', 0, base.reply.slice());
  const publicKey = await receiveTensor(channel, 'public-key', 0, PUBLIC_KEY_BYTES);
  const he = traced('HE keys', NO_LAYER, () => new HeServer(seed, publicKey, cache));
  return orClosed(he, async () => {
    const trees = await receiveTensor(channel, 'ot-trees', 0, treeMessageBytes(OT_TREE_BITS));
    const choices = traced('base OTs', NO_LAYER, () => base.finish());
    const ot = traced('OT trees', NO_LAYER, () => new RandomOtSender(choices, OT_TREE_BITS, trees));
    return { he, ot };
  });
}

/** Keys and streams lie in memory that no collector frees: they do not outlive a session that breaks off before it is open. */
async function orClosed<Result>(part: { close(): void }, open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    part.close();
    throw error;
  }
}

/**
 * Frees keys and streams, and clears what the session has left in the kernel memory of this thread. The session must not be
 * used afterwards, nor while a preparation runs on it.
 */
export function closeSession({ he, ot }: ClientSession | ServerSession): void {
  he.close();
  ot.close();
  clearKernels();
}
