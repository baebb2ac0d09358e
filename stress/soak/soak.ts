import { setTimeout as delay } from 'node:timers/promises';
import { type Machine, thisMachine } from '../../bench/machine.ts';
import { withParties } from '../../bench/party.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { Outcome } from '../cluster/outcome.ts';
import { holdingOf } from '../cluster/processes.ts';
import { type Drift, driftOf, leaks, type Sample, WARM_UP } from './drift.ts';

export interface SoakOptions {
  readonly model: string;
  readonly minutes: number;
  readonly clients: number;
  readonly replicas: number;
  /** Called with progress messages for people. */
  readonly note: (text: string) => void;
}

/** Resources of one process in the judged part of the run. */
export interface ProcessDrift {
  readonly name: string;
  /** Bytes. */
  readonly memory: Drift;
  readonly descriptors: Drift;
  /** Samples of the whole run: growth may be garbage that is collected later. */
  readonly samples: readonly Sample[];
}

export interface Soak {
  readonly machine: Machine;
  readonly model: string;
  readonly minutes: number;
  readonly clients: number;
  readonly replicas: number;
  readonly inferences: number;
  /** Rate in the judged part of the run. */
  readonly inferencesPerMinute: number;
  readonly wrong: number;
  /** Failed calls, by the error that the client was told. */
  readonly failures: Readonly<Record<string, number>>;
  readonly processes: readonly ProcessDrift[];
  /** Violations; empty if there are none. */
  readonly complaints: readonly string[];
}

/** Samples of a run, and the longest time between two (ms). */
const SAMPLES = 60;
const SAMPLE_MS = 5000;

/** How long bundles live (ms): records expire and are swept from the first minutes on, so that they stop growing. */
const BUNDLE_LIFETIME_MS = 60_000;

/** More than a client can reach in an hour. */
const INFERENCES_PER_HOUR = 10_000_000;

/**
 * Runs servers, Redis and clients for a while, each in its own process, and watches their resources. Every result is
 * compared with the integer executor's. Throws 'config/invalid' without redis-server, 'internal' if a process dies.
 */
export async function measureSoak(options: SoakOptions): Promise<Soak> {
  const { model, replicas, clients } = options;
  const limits = { bundleLifetimeMs: BUNDLE_LIFETIME_MS, inferencesPerHour: INFERENCES_PER_HOUR };
  return withParties(async (start, folder) => {
    const cluster = await Cluster.start(start, folder, { model, replicas, limits });
    try {
      const loads = await Promise.all(
        Array.from({ length: clients }, (_, i) => cluster.startClient(`client ${i}`)),
      );
      const pids = new Map<string, number>([
        ['redis', cluster.redis.pid as number],
        ...cluster.replicas.map(({ name, party }): [string, number] => [name, party.pid]),
        ...loads.map(({ pid }, i): [string, number] => [`client ${i}`, pid]),
      ]);
      const drain = async () =>
        (await Promise.all(loads.map((load) => load.ask<Outcome[]>('outcomes')))).flat();
      const watched = await watch(options, pids, drain);
      await Promise.all(loads.map((load) => load.stop()));
      for (const { party } of cluster.replicas) await party.stop();
      return watched;
    } finally {
      await cluster.end();
    }
  });
}

async function watch(
  { model, minutes, clients, replicas, note }: SoakOptions,
  pids: ReadonlyMap<string, number>,
  drain: () => Promise<Outcome[]>,
): Promise<Soak> {
  const totalMs = 60_000 * minutes;
  const samples = new Map<string, Sample[]>([...pids.keys()].map((name) => [name, []]));
  const outcomes: Outcome[] = [];
  const start = Date.now();
  for (let at = 0; at < totalMs; at = Date.now() - start) {
    await delay(Math.min(SAMPLE_MS, totalMs / SAMPLES, totalMs - at));
    outcomes.push(...(await drain()));
    for (const [name, pid] of pids) samples.get(name)?.push({ at: Date.now() - start, ...holdingOf(pid) });
    note(`${Math.round((Date.now() - start) / 1000)} s: ${outcomes.length} inferences`);
  }
  const processes = [...samples].map(([name, own]) => ({
    name,
    memory: driftOf(own, totalMs, 'resident'),
    descriptors: driftOf(own, totalMs, 'descriptors'),
    samples: own,
  }));
  const figures = count(outcomes, start, totalMs);
  const complaints = [
    ...(figures.wrong > 0 ? [`${figures.wrong} results are not the integer executor's`] : []),
    ...Object.entries(figures.failures).map(([what, times]) => `${times} calls failed: ${what}`),
    ...processes
      .filter(({ memory, descriptors }) => leaks(memory, descriptors))
      .map(({ name }) => `${name} leaks memory or descriptors`),
  ];
  return { machine: thisMachine(), model, minutes, clients, replicas, ...figures, processes, complaints };
}

function count(
  outcomes: readonly Outcome[],
  start: number,
  totalMs: number,
): Pick<Soak, 'inferences' | 'inferencesPerMinute' | 'wrong' | 'failures'> {
  const results = outcomes.filter(({ result }) => result);
  const judged = results.filter(({ at }) => at >= start + WARM_UP * totalMs);
  const failures: Record<string, number> = {};
  for (const { what, failure } of outcomes)
    if (failure) {
      const told = `${what}: ${failure.code}: ${failure.message}`;
      failures[told] = (failures[told] ?? 0) + 1;
    }
  return {
    inferences: results.length,
    inferencesPerMinute: Math.round((60_000 * judged.length) / ((1 - WARM_UP) * totalMs)),
    wrong: results.filter(({ result }) => !result?.right).length,
    failures,
  };
}

/** Describes the result for people. */
export function describeSoak(soak: Soak): string {
  const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MB`;
  const line = ({ name, memory, descriptors }: ProcessDrift) =>
    [
      name.padEnd(12),
      `${megabytes(memory.first)} -> ${megabytes(memory.last)} (${(100 * memory.growth).toFixed(1)} %)`.padEnd(
        30,
      ),
      `${descriptors.first} -> ${descriptors.last} descriptors`,
    ].join(' ');
  return [
    `${soak.inferences} inferences in ${soak.minutes} min, ${soak.inferencesPerMinute} per minute after warm-up, ${soak.wrong} wrong`,
    ...soak.processes.map(line),
    ...(soak.complaints.length > 0 ? soak.complaints : ['all is well']),
  ].join('\n');
}
