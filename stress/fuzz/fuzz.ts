import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Machine, thisMachine } from '../../bench/machine.ts';
import { type Party, withParties } from '../../bench/party.ts';
import { type CampaignResult, type Failure, ROUND } from './campaign.ts';

/** Concurrent cases in each process: enough that none waits for another's answers. */
const LANES = 8;

/** The outcomes of all cases. */
export interface FuzzReport {
  readonly machine: Machine;
  readonly seed: number;
  readonly cases: number;
  readonly seconds: number;
  readonly failures: readonly Failure[];
  /** Outcomes of the cases of each dialogue. */
  readonly outcomes: CampaignResult['outcomes'];
  /** How often an honest client was served in between. */
  readonly honest: number;
  /** Figures of each process. */
  readonly processes: readonly Pick<CampaignResult, 'resident' | 'array'>[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** Numbers of the cases: from `first` to `end` - 1. */
  readonly first: number;
  readonly end: number;
  /** Called after each round, with all failures so far. */
  readonly onProgress: (done: number, failures: readonly Failure[]) => void;
}

/** Runs the cases on all cores, a round at a time. The death of a process is a failure of its current round. */
export async function fuzz({ seed, first, end, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const start = performance.now();
  const results: CampaignResult[] = [];
  const died: Failure[] = [];
  let next = first;
  await withParties(async (startParty, folder) => {
    const attack = async (which: number): Promise<void> => {
      const args = [String(seed), join(folder, String(which)), String(LANES)];
      const party: Party<unknown> = await startParty(join('fuzz', 'fuzz-process.ts'), args);
      while (next < end) {
        const [from, to] = [next, Math.min(end, next + ROUND)];
        next = to;
        try {
          results[which] = await party.ask<CampaignResult>('run', [from, to]);
        } catch (error) {
          const { message } = error as Error;
          died.push({ seed, case: undefined, what: `cases ${from} to ${to - 1}: ${message}` });
          return;
        }
        const all = results.filter((result) => result !== undefined);
        onProgress(sum(all, 'cases'), [...died, ...all.flatMap(({ failures }) => failures)]);
      }
      await party.stop();
    };
    const rounds = Math.ceil((end - first) / ROUND);
    const processes = Math.min(availableParallelism(), rounds);
    await Promise.all(Array.from({ length: processes }, (_, which) => attack(which)));
  });
  return {
    machine: thisMachine(),
    seed,
    cases: sum(results, 'cases'),
    seconds: (performance.now() - start) / 1000,
    failures: [...died, ...results.flatMap(({ failures }) => failures)],
    outcomes: merged(results),
    honest: sum(results, 'honest'),
    processes: results.map(({ resident, array }) => ({ resident, array })),
  };
}

function sum(results: readonly CampaignResult[], key: 'cases' | 'honest'): number {
  return results.reduce((total, result) => total + result[key], 0);
}

function merged(results: readonly CampaignResult[]): CampaignResult['outcomes'] {
  const all: CampaignResult['outcomes'] = {};
  for (const { outcomes } of results)
    for (const [dialogue, counts] of Object.entries(outcomes)) {
      all[dialogue] ??= {};
      for (const [outcome, count] of Object.entries(counts))
        all[dialogue][outcome] = (all[dialogue][outcome] ?? 0) + count;
    }
  return all;
}
