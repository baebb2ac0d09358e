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
  /** Requests per second, ascending; SHARES of what this machine can do if left out. */
  readonly rates?: readonly number[];
  /** Bundles that the client has room for, and the number below which it refills its pool. */
  readonly pool: number;
  readonly low: number;
  /** How long requests arrive and count, at each rate. */
  readonly seconds: number;
  readonly network: NetworkProfile;
  readonly cores: PinnedCores | null;
  /** Told what happens, for people. */
  readonly note: (text: string) => void;
}

/** Without rates: these shares of the rate at which bundles get ready while requests wait for them. */
const SHARES = [0.2, 0.4, 0.6, 0.75, 0.9, 1.1];

/** From this share of waiting requests on, higher rates only queue longer and are left out. */
const OVERLOADED = 0.5;

/** Seed of the arrivals: the same for every model and network, so that only these differ. */
const SEED = 1;

/**
 * Total latency under load with finite room for bundles on the client, as in Garimella et al. (Characterizing and
 * Optimizing End-to-End Systems for Private Inference, ASPLOS '23), but with real processes: requests arrive at a
 * client as a Poisson process and are answered one after another, while its pool prepares new bundles for
 * those that are spent. Throws 'internal' if a private result is not the integer executor's, 'config/invalid' if a
 * rate is too low for its time.
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
