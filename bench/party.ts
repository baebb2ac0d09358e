/** Both ends of a measured process: its parent asks, it answers, over Node's IPC. */
import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SphynxError } from '../errors/sphynx-error.ts';

type Answers = Record<string, (argument: never) => Promise<unknown>>;

interface Reply {
  readonly value?: unknown;
  readonly error?: string;
}

/** In the child: reports that it is ready, then answers until the parent asks it to stop. */
export function answerParent(ready: unknown, answers: Answers, stop: () => Promise<void>): void {
  const all: Answers = {
    ...answers,
    peakRss: async () => process.resourceUsage().maxRSS * 1024,
    processorMs: async () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    stop,
  };
  process.on('message', async ({ name, argument }: { name: string; argument: never }) => {
    const reply: Reply = await all[name](argument).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: String((error as Error)?.stack ?? error) }),
    );
    process.send?.(reply as Serializable);
    if (name === 'stop') process.disconnect();
  });
  // A child without its parent exits.
  process.on('disconnect', () => process.exit());
  process.send?.({ value: ready } satisfies Reply);
}

export interface PartyOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Arguments for Node, such as --cpu-prof. */
  readonly nodeArguments?: readonly string[];
  /** The cores that the process and all its threads may use, as taskset lists them; all if not given. */
  readonly cores?: string;
}

/** In the parent: one measured process. */
export class Party<Ready> {
  readonly #process: ChildProcess;
  readonly ready: Ready;

  private constructor(process: ChildProcess, ready: Ready) {
    this.#process = process;
    this.ready = ready;
  }

  /** Starts `file` of this folder. Throws 'internal' if it dies before it is ready. */
  static async start<Ready>(
    file: string,
    args: readonly string[],
    options: PartyOptions = {},
  ): Promise<Party<Ready>> {
    const { cores, env, nodeArguments = [] } = options;
    // taskset becomes Node, with the channel to this process open.
    const pinned = cores === undefined ? {} : { execPath: 'taskset' };
    const before = cores === undefined ? [] : ['--cpu-list', cores, process.execPath];
    const child = fork(join(import.meta.dirname, file), args, {
      serialization: 'advanced',
      env: { ...process.env, ...env },
      ...pinned,
      execArgv: [...before, ...nodeArguments],
    });
    return new Party(child, (await reply(child, file)) as Ready);
  }

  /** Asks the child and returns its answer. Throws 'internal' with its error, or if it dies. */
  async ask<Value>(name: string, argument?: unknown): Promise<Value> {
    const answer = reply(this.#process, name);
    this.#process.send({ name, argument });
    return (await answer) as Value;
  }

  /** Stops the child in an orderly way; returns its peak resident memory (bytes). */
  async stop(): Promise<number> {
    const peak = await this.ask<number>('peakRss');
    const exit = once(this.#process, 'exit');
    await this.ask('stop');
    await exit;
    return peak;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Resolves when the process is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill(signal);
    await exit;
  }
}

/** `Party.start` for processes that live no longer than the measurement. */
export type StartParty = <Ready>(...start: Parameters<typeof Party.start>) => Promise<Party<Ready>>;

/** Runs a measurement with its own folder; neither the folder nor a process that it started outlives it. */
export async function withParties<Result>(
  measure: (start: StartParty, folder: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'sphynx-bench-'));
  const parties: Party<unknown>[] = [];
  try {
    return await measure(async <Ready>(...start: Parameters<typeof Party.start>) => {
      const party = await Party.start<Ready>(...start);
      parties.push(party);
      return party;
    }, folder);
  } finally {
    // An emulated network removes itself from the kernel; the others end at once.
    await Promise.all(parties.map((party) => party.kill('SIGTERM')));
    await rm(folder, { recursive: true, force: true });
  }
}

async function reply(child: ChildProcess, what: string): Promise<unknown> {
  const settled = new AbortController();
  const signal = settled.signal;
  try {
    const [answer] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => [{ error: 'the process died' }]),
    ])) as [Reply];
    if (answer.error !== undefined) throw new SphynxError('internal', `${what}: ${answer.error}`);
    return answer.value;
  } finally {
    settled.abort();
  }
}
