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
import { clearKernels } from '../kernels/load.ts';
import { ownedCopy } from '../kernels/release.ts';
import { randomBytes } from '../platform/random-bytes.ts';
import type { Channel } from './channel.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { NO_LAYER, traced } from './trace.ts';
import { ClientTransfers, ServerTransfers } from './transfers.ts';

/**
 * Once per Preprocess stream: the HE public key, one half by each party, and 128 base OTs (docs/protocol.md, section
 * 5). Any number of bundles can then be prepared, one after another. No state outlives the stream, so OT extension
 * counters cannot repeat after a restart. Both send their first message at once, so the server's seed costs no round
 * trip.
 *
 *     server -> client: public key seed          client -> server: base OT message
 *     server -> client: base OT reply
 *     client -> server: public key
 *     client -> server, before the first labels: see transfers.ts
 */
export interface ClientSession {
  readonly he: HeClient;
  readonly ot: ClientTransfers;
}

export interface ServerSession {
  readonly he: HeServer;
  readonly ot: ServerTransfers;
}

/** Client's half. The caller closes the session with `closeSession`. */
export async function openClientSession(channel: Channel): Promise<ClientSession> {
  const base = traced('base OTs', NO_LAYER, () => new BaseOtSender());
  await sendTensor(channel, 'base-ot-message', 0, ownedCopy(base.message));
  const seed = await receiveTensor(channel, 'public-key-seed', 0, KEY_SEED_BYTES);
  const he = traced('HE keys', NO_LAYER, () => new HeClient(seed));
  try {
    const reply = await receiveTensor(channel, 'base-ot-reply', 0, BASE_OT_REPLY_BYTES);
    await sendTensor(channel, 'public-key', 0, ownedCopy(he.publicKey));
    return { he, ot: new ClientTransfers(base, reply) };
  } catch (error) {
    // Keys are in memory that no garbage collector frees.
    he.close();
    throw error;
  }
}

/** Server's half. `cache`: transformed kernels, of this thread. Throws 'crypto/parameters' or 'crypto/input' on keys or points that are not well-formed. */
export async function openServerSession(channel: Channel, cache?: KernelCache): Promise<ServerSession> {
  const { he, base } = await receiveKeys(channel, cache);
  return { he, ot: new ServerTransfers(base) };
}

/** The server's half without its transfers, for replaying a recorded session. Throws the same errors. */
export async function receiveKeys(
  channel: Channel,
  cache?: KernelCache,
): Promise<{ readonly he: HeServer; readonly base: BaseOtReceiver }> {
  const seed = randomBytes(KEY_SEED_BYTES);
  await sendTensor(channel, 'public-key-seed', 0, ownedCopy(seed));
  const message = await receiveTensor(channel, 'base-ot-message', 0, BASE_OT_MESSAGE_BYTES);
  const base = traced('base OTs', NO_LAYER, () => new BaseOtReceiver(message));
  await sendTensor(channel, 'base-ot-reply', 0, ownedCopy(base.reply));
  const publicKey = await receiveTensor(channel, 'public-key', 0, PUBLIC_KEY_BYTES);
  const he = traced('HE keys', NO_LAYER, () => new HeServer(seed, publicKey, cache));
  return { he, base };
}

/**
 * Frees keys and streams, and clears the session's data from the kernel memory of this thread. The session must not be
 * used afterwards, nor while a preparation runs on it.
 */
export function closeSession({ he, ot }: ClientSession | ServerSession): void {
  he.close();
  ot.close();
  clearKernels();
}
