import type { OnlineFlag } from './online-flag.ts';

/** While inferences run, preparation gets one part in 1 + PAUSE_FACTOR of its thread's time. */
const PAUSE_FACTOR = 4;

interface TurnsOptions {
  readonly online: OnlineFlag;
  /** Inferences that may run before this thread pauses: each additional one pauses one preparing thread. */
  readonly tolerated: number;
  /** Milliseconds of processor time of the calling thread; a test seam. */
  readonly clock?: () => number;
}

interface Waiting {
  readonly client: string;
  readonly resume: () => void;
}

/**
 * Shares one preparing thread among the roles that run on it, interleaved: a role computes only while it has the turn.
 * Among the roles that are ready, the turn goes to the client with the least processor time so far, so a client with
 * many streams or large models slows down only itself. A role that waits for its client holds no turn. While more
 * inferences run than are tolerated, turns are delayed: preparation has a lower priority but never stops.
 */
export class ProcessorTurns {
  readonly #options: Required<TurnsOptions>;
  readonly #used = new Map<string, { ms: number; roles: number }>();
  readonly #waiting: Waiting[] = [];
  #held: { client: string; since: number } | undefined;
  #granting = false;
  /** Processor time since the last pause (ms). */
  #unpaused = 0;

  constructor(options: TurnsOptions) {
    this.#options = { clock: threadMs, ...options };
  }

  /**
   * Registers a role of `client`, which the returned function removes. New clients get no credit for earlier time.
   * Clients that come back have still used what they used, as long as others have used less: a client that opens
   * one session after another gains nothing.
   */
  join(client: string): () => void {
    const active = [...this.#used.values()].filter(({ roles }) => roles > 0);
    const least = Math.min(...active.map(({ ms }) => ms));
    // The client of an account that is ahead of nobody starts at the same time without it.
    for (const [name, { ms, roles }] of this.#used) if (roles === 0 && ms <= least) this.#used.delete(name);
    const own = this.#used.get(client) ?? { ms: 0, roles: 0 };
    if (active.length > 0) own.ms = Math.max(own.ms, least);
    this.#used.set(client, own);
    own.roles++;
    return () => {
      own.roles--;
    };
  }

  /** Resolves when a role of `client` may compute. Every `take` is followed by one `give`. */
  async take(client: string): Promise<void> {
    const turn = new Promise<void>((resume) => this.#waiting.push({ client, resume }));
    this.#grant();
    await turn;
  }

  /** Ends the turn. Returns the processor time that it took (ms). */
  give(): number {
    const { clock } = this.#options;
    if (!this.#held) return 0;
    const { client, since } = this.#held;
    const ms = clock() - since;
    const account = this.#used.get(client);
    if (account) account.ms += ms;
    this.#unpaused += ms;
    this.#held = undefined;
    this.#grant();
    return ms;
  }

  async #grant(): Promise<void> {
    if (this.#granting) return;
    this.#granting = true;
    // Lets roles whose message has arrived in the meantime join the queue before the choice.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (!this.#held && this.#waiting.length > 0) await this.#makeRoom();
    this.#granting = false;
    if (this.#held) return;
    const [next] = this.#waiting.sort((a, b) => this.#usedBy(a) - this.#usedBy(b));
    if (!next) return;
    this.#waiting.shift();
    this.#held = { client: next.client, since: this.#options.clock() };
    next.resume();
  }

  async #makeRoom(): Promise<void> {
    const { online, tolerated } = this.#options;
    if (online.running > tolerated) await online.quiet(tolerated, PAUSE_FACTOR * this.#unpaused);
    this.#unpaused = 0;
  }

  #usedBy({ client }: Waiting): number {
    return this.#used.get(client)?.ms ?? 0;
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
