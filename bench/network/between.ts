import type { NetworkProfile } from '../../transport/network-profiles.ts';
import type { StartParty } from '../party.ts';
import type { Emulated } from '../proxy-process.ts';

/**
 * Returns the port at which a client reaches the server at `port` through the network: the server's own if there is
 * none.
 */
export async function networkTo(port: number, profile: NetworkProfile, start: StartParty): Promise<number> {
  if (profile.name === 'loopback') return port;
  const proxy = await start<Emulated>('proxy-process.ts', [String(port), profile.name]);
  return proxy.ready.port;
}
