import { type NetworkProfile, PROFILES } from '../../transport/network-profiles.ts';
import { Party } from '../party.ts';
import type { Emulated } from '../proxy-process.ts';
import { type Accuracy, deviations, measureNetwork, startEchoServer } from './accuracy.ts';

/** Number of measurements, of which the best counts, because a busy machine slows any network down. */
const ATTEMPTS = 3;

/**
 * `npm run bench -- network`: prints measured and nominal round trip and rates of the profiles. Returns whether all are
 * within the tolerance.
 */
export async function checkNetworks(profiles = PROFILES.slice(1)): Promise<boolean> {
  const echo = await startEchoServer();
  let accurate = true;
  try {
    for (const profile of profiles) {
      const network = await Party.start<Emulated>('proxy-process.ts', [String(echo.port), profile.name]);
      try {
        const measured = await bestOf(ATTEMPTS, network.ready.port, profile);
        const wrong = deviations(measured, profile);
        accurate &&= wrong.length === 0;
        process.stdout.write(
          `${describe(measured, profile, network.ready.by)}${wrong.map((what) => `; ${what}`).join('')}\n`,
        );
      } finally {
        await network.stop();
      }
    }
  } finally {
    echo.stop();
  }
  return accurate;
}

async function bestOf(attempts: number, port: number, profile: NetworkProfile): Promise<Accuracy> {
  const measured = await measureNetwork(port, profile);
  if (attempts === 1 || deviations(measured, profile).length === 0) return measured;
  return bestOf(attempts - 1, port, profile);
}

function describe(
  { rttMs, upRate, downRate }: Accuracy,
  profile: NetworkProfile,
  by: Emulated['by'],
): string {
  const figures = [
    `round trip ${rttMs.toFixed(2)} ms (${profile.rttMs})`,
    `up ${megabits(upRate)} Mbit/s (${megabits(profile.upRate)})`,
    `down ${megabits(downRate)} Mbit/s (${megabits(profile.downRate)})`,
  ];
  return `${profile.name.padEnd(12)} ${figures.join(', ')}, by ${by}`;
}

function megabits(rate: number): string {
  return (rate / 1e6).toFixed(1);
}
