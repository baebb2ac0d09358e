import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Party } from '../../bench/party.ts';
import { FaultyLink } from '../../test/support/faulty-link.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Outcome } from '../cluster/outcome.ts';
import { acceptedIn } from './audit.ts';
import type { FalseClock } from './false-clock.ts';
import type { SmallDisk } from './small-disk.ts';

/** One thing that goes wrong while clients are at work. */
export interface Fault {
  readonly name: string;
  /** Codes that a client may be told meanwhile. */
  readonly codes: readonly string[];
  /** Injects the fault, and undoes what an operator would have to undo. Throws what prevents the injection. */
  inject(stage: Stage): Promise<Injected>;
}

export interface Injected {
  /** Time from which on the service should recover by itself (ms since the epoch). */
  readonly over: number;
  /** Outcomes of the calls of clients that were the target of the fault. */
  readonly told: readonly Outcome[];
}

/** Deadlines of client and server (ms), shorter than the defaults so that a run takes minutes. */
export const DEADLINES = { connectMs: 3000, idleMs: 5000, queueMs: 15_000 };
export const SERVER_IDLE_MS = 4000;

/** How often a condition is polled (ms). */
const LOOK_MS = 5;

/** The environment in which faults are injected. */
export class Stage {
  readonly cluster: Cluster;
  readonly folder: string;
  /** The disk to which Redis writes. */
  readonly disk: SmallDisk;
  /** The clock of replica 1. */
  readonly clock: FalseClock;
  readonly #links: FaultyLink[] = [];
  #victims = 0;

  constructor(parts: Pick<Stage, 'cluster' | 'folder' | 'disk' | 'clock'>) {
    this.cluster = parts.cluster;
    this.folder = parts.folder;
    this.disk = parts.disk;
    this.clock = parts.clock;
  }

  /** Starts a client that acts on commands, over its own link. */
  async victim(stateFolder?: string, environment?: NodeJS.ProcessEnv): Promise<Victim> {
    const name = `victim ${this.#victims++}`;
    const link = await FaultyLink.to(Number(this.cluster.address.split(':')[1]));
    this.#links.push(link);
    const folder = stateFolder ?? join(this.folder, name);
    const start = () =>
      this.cluster.startClient(
        name,
        { address: link.address, stateFolder: folder, deadlines: DEADLINES, idle: true },
        environment,
      );
    return new Victim(link, folder, await start(), start);
  }

  /** The servers' logs so far. */
  get logs(): string[] {
    return this.cluster.replicas.map(({ log }) => readFileSync(log, 'utf8'));
  }

  /** Bundles that servers have accepted so far. */
  get accepted(): string[] {
    return this.logs.flatMap(acceptedIn);
  }

  close(): void {
    for (const link of this.#links) link.close();
  }
}

/** A client process that is the target of a fault. */
export class Victim {
  readonly link: FaultyLink;
  readonly stateFolder: string;
  readonly #start: () => Promise<Party<unknown>>;
  #party: Party<unknown>;

  constructor(
    link: FaultyLink,
    stateFolder: string,
    party: Party<unknown>,
    start: () => Promise<Party<unknown>>,
  ) {
    this.link = link;
    this.stateFolder = stateFolder;
    this.#party = party;
    this.#start = start;
  }

  classify(): Promise<Outcome> {
    return this.#party.ask('classify');
  }

  prepare(count: number): Promise<Outcome> {
    return this.#party.ask('prepare', count);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#party.pid, name);
  }

  async killAndRestart(): Promise<void> {
    await this.#party.kill();
    this.#party = await this.#start();
  }

  async end(): Promise<void> {
    await this.#party.kill();
    this.link.close();
  }

  /** Files of bundles in a state: `ready`, `partial` or `spending`. */
  bundles(state: string): string[] {
    return globSync(`bundles/*/*/*.${state}`, { cwd: this.stateFolder });
  }
}

/** Resolves when `condition` holds. Throws an Error after `ms`. */
export async function until(what: string, condition: () => boolean, ms = 20_000): Promise<void> {
  for (const end = performance.now() + ms; !condition(); await delay(LOOK_MS))
    if (performance.now() > end) throw new Error(`${what} did not happen within ${ms} ms`);
}
