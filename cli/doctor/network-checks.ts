/** Checks of the network: the server's name and port. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import type { Target } from '../../client/node/address.ts';
import type { Security } from '../../client/security.ts';
import { codeOf, type Finding } from './finding.ts';

/** Longest wait for a server to accept a connection, or to finish a handshake (ms). */
export const STEP_MS = 5000;

export async function checkName({ host }: Target): Promise<Finding> {
  const name = 'dns';
  if (isIP(host)) return { name, state: 'ok', detail: `${host} is an address` };
  try {
    const found = await lookup(host, { all: true });
    return {
      name,
      state: 'ok',
      detail: `${host} has the address ${found.map(({ address }) => address).join(', ')}`,
    };
  } catch (error) {
    return {
      name,
      state: 'failed',
      detail: `${host} has no address (${codeOf(error)})`,
      remedy: 'check the spelling of the host, and the name servers of this machine',
    };
  }
}

export async function checkPort(
  { host, port }: Target,
  _security: Security,
  signal: AbortSignal,
): Promise<Finding> {
  const name = 'port';
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(STEP_MS)]) });
    return { name, state: 'ok', detail: `${port} takes connections` };
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED')
      return {
        name,
        state: 'failed',
        detail: `nothing listens on port ${port} of ${host}`,
        remedy: 'start a server there with `sphynx serve`, or name another with --server HOST:PORT',
      };
    return {
      name,
      state: 'failed',
      detail: `port ${port} of ${host} does not answer (${codeOf(error)})`,
      remedy: 'check the address, and that firewalls allow this port',
    };
  } finally {
    socket.destroy();
  }
}
