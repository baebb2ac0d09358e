import { asSphynxError, type SphynxError } from '../errors/sphynx-error.ts';
import type { Channel } from '../protocol/channel.ts';
import type { PortChannel } from './port-channel.ts';

/**
 * Moves segments between a role in a worker thread and its peer on the network until the role ends the port.
 *
 * It reads from the network only what the role requests (give the role's end `prefetch: 0`), so the caller handles the
 * messages between two roles and the deadlines while a role computes. Throws the role's failure or the network's,
 * whichever comes first; the role is told.
 *
 * @param signal aborted with a SphynxError when the network breaks off, to stop a role that is computing
 */
export async function relay(port: PortChannel, network: Channel, signal: AbortSignal): Promise<void> {
  const stop = () => port.fail(signal.reason as SphynxError);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.all([outward(port, network), inward(port, network)]);
  } catch (error) {
    port.fail(asSphynxError(error));
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function outward(port: PortChannel, network: Channel): Promise<void> {
  for (let segment = await port.next(); segment; segment = await port.next()) await network.send(segment);
}

async function inward(port: PortChannel, network: Channel): Promise<void> {
  while (await port.wanted()) await port.send(await network.receive());
}
