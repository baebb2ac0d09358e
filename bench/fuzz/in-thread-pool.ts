import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { asSphynxError } from '../../errors/sphynx-error.ts';
import type { Channel } from '../../protocol/channel.ts';
import { prepareServer } from '../../protocol/offline.ts';
import type { ServerLimits } from '../../server/limits.ts';
import { PreparationQueue } from '../../server/scheduling/preparation-queue.ts';
import type { WorkerPool } from '../../server/worker-pool.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import type { Transcript } from './transcript.ts';

/**
 * A server's pool whose sessions are all one that is open already, and whose roles run in this thread: without keys and
 * base transfers, a preparation is attacked ten times as often, and this thread's allocations are the roles' own.
 */
export function inThreadPool(
  { plan, network, serverSession }: Transcript,
  pool: WorkerPool,
  limits: ServerLimits,
): WorkerPool {
  const parts: Pick<WorkerPool, 'queue' | 'quote'> & { openSession(): unknown } = {
    queue: new PreparationQueue(limits),
    quote: (model, traffic) => pool.quote(model, traffic),
    openSession: () => ({
      open: () => start(async () => {}),
      prepare: (_: string, seed: Uint8Array) =>
        start((channel) => prepareServer(serverSession, plan, network, channel, seed)),
      close() {},
    }),
  };
  // All that the Preprocess call uses of a pool.
  return parts as unknown as WorkerPool;
}

function start(role: (channel: Channel) => Promise<void>): PortChannel {
  const { port1, port2 } = new MessageChannel();
  void play(port2, role);
  return new PortChannel(port1);
}

async function play(port: MessagePort, role: (channel: Channel) => Promise<void>): Promise<void> {
  const channel = new PortChannel(port, { prefetch: 0 });
  try {
    await role(channel);
    channel.end();
  } catch (error) {
    channel.fail(asSphynxError(error));
  }
}
