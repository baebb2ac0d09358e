import { MessageChannel } from 'node:worker_threads';
import type { Channel } from '../../protocol/channel.ts';
import { prepareServer } from '../../protocol/offline.ts';
import type { ServerLimits } from '../../server/limits.ts';
import { PreparationQueue } from '../../server/scheduling/preparation-queue.ts';
import type { PoolSession, WorkerPool } from '../../server/worker-pool.ts';
import { onPort } from '../../transport/on-port.ts';
import { PortChannel } from '../../transport/port-channel.ts';
import { sessionOf, type Transcript } from './transcript.ts';

/**
 * A server's pool whose sessions are open already, all of them as the transcript's was, and whose roles run in this
 * thread: without keys and base transfers, a preparation is attacked ten times as often, a replay of the transcript
 * passes the checks, and this thread's allocations are the roles' own.
 */
export function inThreadPool(transcript: Transcript, pool: WorkerPool, limits: ServerLimits): WorkerPool {
  const parts: Pick<WorkerPool, 'queue' | 'quote'> & { openSession(): unknown } = {
    queue: new PreparationQueue(limits),
    quote: (model, traffic) => pool.quote(model, traffic),
    openSession: () => openedSession(transcript),
  };
  // The part of a pool that the Preprocess call uses.
  return parts as unknown as WorkerPool;
}

function openedSession(transcript: Transcript): Pick<PoolSession, 'open' | 'prepare' | 'delta' | 'close'> {
  const { plan, network } = transcript;
  const session = sessionOf(transcript);
  let last = Promise.resolve();
  const start = (role: (channel: Channel) => Promise<void>): PortChannel => {
    const { port1, port2 } = new MessageChannel();
    last = onPort(port2, role).catch(() => {});
    return new PortChannel(port1);
  };
  return {
    open: () => start(async () => {}),
    prepare: (_, seed) => start((channel) => prepareServer(session, plan, network, channel, seed)),
    delta: Promise.resolve(session.ot.delta),
    // The keys belong to the transcript, and a running role must first notice that its port is closed.
    close: () => void last.then(() => session.ot.close()),
  };
}
