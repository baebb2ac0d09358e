import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { makePlan } from '../../protocol/plan.ts';
import type { NetworkProfile } from '../../transport/network-profiles.ts';
import type { PinnedCores } from '../cores.ts';
import { randomInput, requireCorrect } from '../input.ts';
import { benchModel } from '../model.ts';
import { networkTo } from '../network/between.ts';
import { withParties } from '../party.ts';
import { entryHead } from '../results.ts';
import { poissonArrivals } from './arrivals.ts';
import type { Answered } from './client-process.ts';
import { describeEntry } from './describe.ts';
import { type LoadEntry, loadEntry } from './entry.ts';

export interface LoadOptions {
  /** Requests per second, ascending. Default: SHARES of this machine's highest rate. */
  readonly rates?: readonly number[];
  /** Capacity of the client's pool, and the number below which it is refilled. */
  readonly pool: number;
  readonly low: number;
  /** Measured time at each rate (s). */
  readonly seconds: number;
  readonly network: NetworkProfile;
  readonly cores: PinnedCores | null;
  /** Called with progress messages for people. */
  readonly note: (text: string) => void;
}

/** Default rates, as shares of the rate at which bundles become ready while requests wait for them. */
const SHARES = [0.2, 0.4, 0.6, 0.75, 0.9, 1.1];

/** Share of waiting requests from which on higher rates are skipped, because their queues only grow. */
const OVERLOADED = 0.5;

/** Seed of the arrivals, which are the same for every model and network. */
const SEED = 1;

/**
 * Measures total latency under load with limited room for bundles on the client, as in Garimella et al. (Characterizing
 * and Optimizing End-to-End Systems for Private Inference, ASPLOS '23), but with real processes: requests arrive at a
 * client as a Poisson process and are answered one after another, while its pool prepares new bundles for those that
 * are spent. Throws 'internal' if a private result is not the integer executor's, 'config/invalid' if a rate is too low
 * for its time.
 */
export async function studyLoad(model: string, options: LoadOptions): Promise<LoadEntry[]> {
  const { pool, low, seconds, network, cores, note } = options;
  const fixed = await benchModel(model);
  const image = randomInput(fixed);
  const { relus, macs } = fixed.card;
  const { bundleBytes } = makePlan(fixed.card, 'fast');
  const studied = { model, network: network.name, relus, macs, pool, low, bundleBytes };
  return withParties(async (start, folder) => {
    const server = await start<{ port: number }>(
      'server-process.ts',
      [model, join(folder, 'server'), 'fast'],
      { cores: cores?.server },
    );
    const port = await networkTo(server.ready.port, network, start);
    const client = await start(
      'load/client-process.ts',
      [String(port), join(folder, 'client'), String(low), String(pool)],
      { cores: cores?.client },
    );
    const answer = async (arrivals: readonly number[]) => {
      await client.ask('rest');
      const answered = await client.ask<Answered>('answer', { arrivals, image });
      await requireCorrect(fixed, image, answered.logits);
      return answered;
    };
    note(`${model}: warming up, with ${pool} bundles of ${Math.round(bundleBytes / 1e6)} MB`);
    await answer(new Array(2).fill(0));
    const { prepared } = await answer(new Array(2 * pool).fill(0));
    const rates = options.rates ?? SHARES.map((share) => (share * 1000 * prepared.bundles) / prepared.ms);
    const entries: LoadEntry[] = [];
    for (const rate of rates) {
      const arrivals = poissonArrivals(rate, seconds, pool, seededRandom(SEED));
      if (arrivals.length === pool)
        throw new SphynxError('config/invalid', `no request comes in ${seconds} s at ${rate} per second`);
      const answered = await answer(arrivals);
      const head = entryHead(`${model}, ${rate.toFixed(2)} requests/s, pool ${low} to ${pool}`, network.name);
      const entry = loadEntry(head, studied, rate, answered);
      note(describeEntry(entry));
      entries.push(entry);
      if (entry.waitingShare > OVERLOADED) break;
    }
    await client.stop();
    await server.stop();
    return entries;
  });
}
