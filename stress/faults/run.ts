import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Machine, thisMachine } from '../../bench/machine.ts';
import { type Party, withParties } from '../../bench/party.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { Cluster } from '../cluster/cluster.ts';
import type { Outcome } from '../cluster/outcome.ts';
import { auditComplaints, recordedIn } from './audit.ts';
import { CLOCKS } from './clocks.ts';
import { CRASHES } from './crashes.ts';
import { DISKS } from './disks.ts';
import { FalseClock } from './false-clock.ts';
import { PEERS } from './peers.ts';
import { SmallDisk } from './small-disk.ts';
import { DEADLINES, type Fault, SERVER_IDLE_MS, Stage } from './stage.ts';
import { type ClientOutcome, judge, recoveredAt, type Verdict } from './verdict.ts';

const FAULTS: readonly Fault[] = [...CRASHES, ...DISKS, ...PEERS, ...CLOCKS];

export interface FaultsOptions {
  readonly model: string;
  readonly clients: number;
  /** Only faults whose name contains it. */
  readonly only?: string;
  readonly note: (text: string) => void;
}

export interface FaultReport extends Verdict {
  readonly fault: string;
}

export interface Faults {
  readonly machine: Machine;
  readonly faults: readonly FaultReport[];
  readonly inferences: number;
  /** Bundles that servers accepted during all faults. */
  readonly spent: number;
  /** Violations found by the audit of the whole log. */
  readonly audit: readonly string[];
}

/** Longest recovery time of the service (ms). */
const RECOVERY_MS = 60_000;

/** Longer than any call may take: all waits that a client has a deadline for, one after another (ms). */
const LONGEST_CALL_MS = DEADLINES.queueMs + 2 * DEADLINES.connectMs + DEADLINES.idleMs;

/** How often clients are asked for outcomes (ms). */
const LOOK_MS = 100;

const REDIS_DISK_BYTES = 64 * 2 ** 20;

/**
 * Injects one fault after another while clients are at work. Checks what they are told, when they have results again,
 * and at the end whether any bundle was spent twice. Throws 'config/invalid' if a fault cannot be injected on this
 * machine.
 */
export function measureFaults({ model, clients, only = '', note }: FaultsOptions): Promise<Faults> {
  return withParties(async (start, folder) => {
    const disk = new SmallDisk(join(folder, 'redis'), REDIS_DISK_BYTES);
    let cluster: Cluster | undefined;
    let stage: Stage | undefined;
    try {
      const clock = new FalseClock(join(folder, 'replica-clock'));
      cluster = await Cluster.start(start, folder, {
        ...{ model, replicas: 2, redisFolder: disk.folder },
        limits: { idleMs: SERVER_IDLE_MS },
        environment: (replica) => (replica === 1 ? clock.environment : {}),
      });
      stage = new Stage({ cluster, folder, disk, clock });
      const loads: Party<unknown>[] = [];
      for (let i = 0; i < clients; i++)
        loads.push(await cluster.startClient(`client ${i}`, { deadlines: DEADLINES }));
      const witness = new Witness(loads);
      await witness.recovery(0, Date.now());
      const faults: FaultReport[] = [];
      for (const fault of FAULTS.filter(({ name }) => name.includes(only))) {
        note(fault.name);
        faults.push(await suffer(fault, stage, witness));
      }
      await Promise.all(loads.map((load) => load.stop()));
      const answered = witness.outcomes.flatMap(({ result }) => (result ? [result.bundleId] : []));
      const accepted = stage.accepted;
      const audit = auditComplaints({ accepted, answered, recorded: recordedIn(disk.folder) });
      return { machine: thisMachine(), faults, inferences: answered.length, spent: accepted.length, audit };
    } finally {
      stage?.close();
      await cluster?.end();
      disk.unmount();
    }
  });
}

async function suffer(fault: Fault, stage: Stage, witness: Witness): Promise<FaultReport> {
  const from = witness.outcomes.length;
  let broken: string | undefined;
  const { over, told } = await fault.inject(stage).catch((error: Error) => {
    if (error instanceof SphynxError && error.code === 'config/invalid') throw error;
    broken = error.message;
    return { over: Date.now(), told: [] };
  });
  await witness.recovery(from, over);
  const verdict = judge(
    witness.clients,
    witness.outcomes.slice(from),
    over,
    told,
    fault.codes,
    LONGEST_CALL_MS,
  );
  const complaints = broken === undefined ? verdict.complaints : [broken, ...verdict.complaints];
  return { fault: fault.name, ...verdict, complaints };
}

/** Collects the outcomes of the clients' calls. */
class Witness {
  readonly outcomes: ClientOutcome[] = [];
  readonly #loads: readonly Party<unknown>[];

  constructor(loads: readonly Party<unknown>[]) {
    this.#loads = loads;
  }

  get clients(): number {
    return this.#loads.length;
  }

  /** Resolves when every client has a result that is later than `over` and than its failures since `from`, or time is up. */
  async recovery(from: number, over: number): Promise<void> {
    for (const end = Date.now() + RECOVERY_MS; Date.now() < end; await delay(LOOK_MS)) {
      await this.#listen();
      const since = this.outcomes.slice(from);
      const recovered = this.#loads.every((_, client) =>
        Number.isFinite(
          recoveredAt(
            since.filter((outcome) => outcome.client === client),
            over,
          ),
        ),
      );
      if (recovered) return;
    }
  }

  async #listen(): Promise<void> {
    for (const [client, load] of this.#loads.entries())
      for (const outcome of await load.ask<Outcome[]>('outcomes')) this.outcomes.push({ client, ...outcome });
  }
}
