import { SphynxError } from '../errors/sphynx-error.ts';

/** A network between client and server. Rates in bits per second, of each direction (up is to the server). */
export interface NetworkProfile {
  readonly name: string;
  /** Round trip of an empty message (ms). */
  readonly rttMs: number;
  readonly upRate: number;
  readonly downRate: number;
}

const M = 1e6;
const G = 1e9;

/** The networks of the papers, and a mobile network. 'loopback' uses no proxy. */
export const PROFILES: readonly NetworkProfile[] = [
  { name: 'loopback', rttMs: 0, upRate: Number.POSITIVE_INFINITY, downRate: Number.POSITIVE_INFINITY },
  { name: 'lan', rttMs: 0.5, upRate: G, downRate: G },
  { name: 'lan-3g', rttMs: 0.3, upRate: 3 * G, downRate: 3 * G },
  { name: 'wan', rttMs: 40, upRate: 100 * M, downRate: 100 * M },
  { name: 'wan-cheetah', rttMs: 40, upRate: 352 * M, downRate: 352 * M },
  { name: 'mobile', rttMs: 60, upRate: 20 * M, downRate: 50 * M },
];

/** `RTT-MS,UP-MBIT,DOWN-MBIT`. */
const CUSTOM = /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)$/;

/**
 * Returns a profile by name, or a custom one: '20,50,200' is 20 ms, 50 Mbit/s up and 200 down. Throws 'config/invalid'.
 */
export function networkProfile(name: string): NetworkProfile {
  const known = PROFILES.find((profile) => profile.name === name);
  if (known) return known;
  const [rttMs, up, down] = (CUSTOM.exec(name) ?? []).slice(1).map(Number);
  if (!(rttMs <= 10_000 && up > 0 && down > 0))
    throw new SphynxError(
      'config/invalid',
      `unknown network ${name}: use ${PROFILES.map((profile) => profile.name).join(', ')} or RTT-MS,UP-MBIT,DOWN-MBIT`,
    );
  return { name, rttMs, upRate: up * M, downRate: down * M };
}
