import { startRoleRunner } from '#client/role-runner';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Agreement } from '../protocol/plan.ts';
import { checkAborted } from './abort.ts';
import type { RoleRunner, RunnerPool } from './role-runner.ts';

/**
 * A few threads for many callers: each caller has a thread for exclusive use, or waits for one. Idle threads stay
 * alive.
 */
export class RoleRunners implements RunnerPool {
  readonly #limit: number;
  readonly #all = new Set<RoleRunner>();
  readonly #idle: RoleRunner[] = [];
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async with<Result>(
    signal: AbortSignal | undefined,
    work: (thread: RoleRunner) => Promise<Result>,
  ): Promise<Result> {
    const thread = await this.#acquire(signal);
    try {
      const result = await work(thread);
      this.#release(thread);
      return result;
    } catch (error) {
      await thread.stop();
      this.#release(thread);
      throw error;
    }
  }

  /** Has an idle thread rehearse inferences of a model until it gets work. Does nothing if no thread is idle. */
  warm(agreement: Agreement): void {
    this.#idle.at(-1)?.warm(agreement);
  }

  /** Stops all threads; the work of their callers fails. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await Promise.all([...this.#all].map((thread) => thread.stop()));
  }

  async #acquire(signal: AbortSignal | undefined): Promise<RoleRunner> {
    signal?.addEventListener('abort', this.#wake);
    try {
      while (this.#all.size >= this.#limit && this.#idle.length === 0 && !signal?.aborted && !this.#closed)
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } finally {
      signal?.removeEventListener('abort', this.#wake);
    }
    if (this.#closed) throw new SphynxError('aborted', 'the client was closed');
    checkAborted(signal);
    const thread = this.#idle.pop() ?? startRoleRunner();
    if (!thread.alive) this.#all.delete(thread);
    const living = thread.alive ? thread : startRoleRunner();
    this.#all.add(living);
    living.hold(true);
    return living;
  }

  #release(thread: RoleRunner): void {
    if (thread.alive) {
      thread.hold(false);
      this.#idle.push(thread);
    } else this.#all.delete(thread);
    this.#wake();
  }

  readonly #wake = (): void => {
    for (const resume of this.#waiting.splice(0)) resume();
  };
}
