import { HeClient } from '../crypto/he/client.ts';
import type { KernelCache } from '../crypto/he/kernel-cache.ts';
import { PUBLIC_KEY_BYTES } from '../crypto/he/parameters.ts';
import { HeServer } from '../crypto/he/server.ts';
import {
  BASE_OT_MESSAGE_BYTES,
  BASE_OT_REPLY_BYTES,
  BaseOtReceiver,
  BaseOtSender,
} from '../crypto/ot/base-ot.ts';
import type { Channel } from './channel.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { NO_LAYER, traced } from './trace.ts';
import { ClientTransfers, ServerTransfers } from './transfers.ts';

/**
 * Once per Preprocess stream: the client's HE public key and 128 base OTs (protocol.md section 4). Any number
 * of bundles can then be prepared, one after another. Nothing of it outlives the stream, so OT extension
 * counters cannot repeat after a restart.
 *
 *     client -> server: public key, base OT message
 *     server -> client: base OT reply
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
  const he = await HeClient.create();
  return orClosed(he, async () => {
    await sendTensor(channel, 'public-key', 0, he.publicKey.slice());
    const base = traced('base OTs', NO_LAYER, () => new BaseOtSender());
    await sendTensor(channel, 'base-ot-message', 0, base.message.slice());
    const reply = await receiveTensor(channel, 'base-ot-reply', 0, BASE_OT_REPLY_BYTES);
    const ot = new ClientTransfers(base, reply);
    return { he, ot };
  });
}

/** Server's half. `cache`: transformed kernels, of this thread. Throws 'crypto/parameters' or 'crypto/input' on keys or points that are not well-formed. */
export async function openServerSession(channel: Channel, cache?: KernelCache): Promise<ServerSession> {
  const publicKey = await receiveTensor(channel, 'public-key', 0, PUBLIC_KEY_BYTES);
  const he = await HeServer.create(publicKey, cache);
  return orClosed(he, async () => {
    const message = await receiveTensor(channel, 'base-ot-message', 0, BASE_OT_MESSAGE_BYTES);
    const base = traced('base OTs', NO_LAYER, () => new BaseOtReceiver(message));
    await sendTensor(channel, 'base-ot-reply', 0, base.reply.slice());
    const ot = new ServerTransfers(base);
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

/** Frees keys and streams. The session must not be used afterwards, nor while a preparation runs on it. */
export function closeSession({ he, ot }: ClientSession | ServerSession): void {
  he.close();
  ot.close();
}
