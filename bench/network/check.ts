import { Party } from '../party.ts';
import { measureNetwork, startEchoServer } from './accuracy.ts';
import { PROFILES } from './profiles.ts';

/** `npm run bench -- network`: round trip and rates of every profile as they are, beside what they should be. */
export async function checkNetworks(): Promise<void> {
  const echo = await startEchoServer();
  try {
    for (const profile of PROFILES.slice(1)) {
      const proxy = await Party.start<{ port: number }>('proxy-process.ts', [
        String(echo.port),
        profile.name,
      ]);
      const { rttMs, upRate, downRate } = await measureNetwork(proxy.ready.port, profile);
      await proxy.stop();
      const figures = [
        `round trip ${rttMs.toFixed(2)} ms (${profile.rttMs})`,
        `up ${megabits(upRate)} Mbit/s (${megabits(profile.upRate)})`,
        `down ${megabits(downRate)} Mbit/s (${megabits(profile.downRate)})`,
      ];
      process.stdout.write(`${profile.name.padEnd(12)} ${figures.join(', ')}\n`);
    }
  } finally {
    echo.stop();
  }
}

function megabits(rate: number): string {
  return (rate / 1e6).toFixed(1);
}
