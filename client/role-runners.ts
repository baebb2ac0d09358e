import { RoleThread } from '#client/role-runner';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { Agreement } from '../protocol/plan.ts';
import { checkAborted } from './abort.ts';

/** A few threads for many callers: each caller has one to itself, or waits for one. Idle threads stay warm. */
export class RoleThreads {
  readonly #limit: number;
  readonly #all = new Set<RoleThread>();
  readonly #idle: RoleThread[] = [];
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Runs `work` with a thread of its own. If `work` fails, the thread is stopped before this throws: whatever it
   * was computing or writing has ended.
   */
  async with<Result>(
    signal: AbortSignal | undefined,
    work: (thread: RoleThread) => Promise<Result>,
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

  /** Has one thread that is idle rehearse inferences of a model, until it gets work. Does nothing if none is. */
  warm(agreement: Agreement): void {
    this.#idle.at(-1)?.warm(agreement);
  }

  /** Stops all threads; their callers' work fails. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await Promise.all([...this.#all].map((thread) => thread.stop()));
  }

  async #acquire(signal: AbortSignal | undefined): Promise<RoleThread> {
    signal?.addEventListener('abort', this.#wake);
    try {
      while (this.#all.size >= this.#limit && this.#idle.length === 0 && !signal?.aborted && !this.#closed)
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } finally {
      signal?.removeEventListener('abort', this.#wake);
    }
    if (this.#closed) throw new SphynxError('aborted', 'the client was closed');
    checkAborted(signal);
    const thread = this.#idle.pop() ?? new RoleThread();
    if (!thread.alive) this.#all.delete(thread);
    const living = thread.alive ? thread : new RoleThread();
    this.#all.add(living);
    living.hold(true);
    return living;
  }

  #release(thread: RoleThread): void {
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
