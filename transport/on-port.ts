import type { MessagePort } from 'node:worker_threads';
import { asSphynxError } from '../errors/sphynx-error.ts';
import { PortChannel } from './port-channel.ts';

/**
 * Plays a role in this thread against a peer behind a port, and ends the port as the role ended. Throws what the role
 * throws.
 */
export async function onPort<Result>(
  port: MessagePort,
  role: (channel: PortChannel) => Promise<Result>,
): Promise<Result> {
  // On demand only, because segments that follow those of this role belong to the other thread.
  const channel = new PortChannel(port, { prefetch: 0 });
  try {
    const result = await role(channel);
    channel.end();
    return result;
  } catch (error) {
    channel.fail(asSphynxError(error));
    throw error;
  }
}
