import type { NetworkProfile } from '../../transport/network-profiles.ts';
import type { StartParty } from '../party.ts';
import type { Emulated } from '../proxy-process.ts';

/** The port at which a client finds the server at `port` behind the network: the server's own where there is none. */
export async function networkTo(port: number, profile: NetworkProfile, start: StartParty): Promise<number> {
  if (profile.name === 'loopback') return port;
  const proxy = await start<Emulated>('proxy-process.ts', [String(port), profile.name]);
  return proxy.ready.port;
}
