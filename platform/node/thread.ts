/** Worker threads that answer calls. */
import { type MessagePort, parentPort, Worker, type WorkerOptions } from 'node:worker_threads';
import { SphynxError } from '../../errors/sphynx-error.ts';
import {
  type Answers,
  answering,
  Caller,
  type CallOptions,
  type CallTypes,
  type EventOf,
  type ResultOf,
} from '../calls.ts';

/**
 * Returns the file of the thread `name` beside the module `importer` (its `import.meta.url`). Its extension matches the
 * importer's: .ts or .js.
 */
export function threadFile(importer: string, name: string): URL {
  return new URL(`${name}${importer.endsWith('.ts') ? '.ts' : '.js'}`, importer);
}

/** A worker thread, seen from the thread that started it. */
export class Thread<Calls extends CallTypes<Calls>> {
  readonly #worker: Worker;
  readonly #caller: Caller<Calls, MessagePort>;
  #alive = true;
  #activeMs = 0;
  /** Resolves when the thread has ended, with the error that ended it, if any. */
  readonly gone: Promise<unknown>;

  /** @param file a module that calls `answerCalls` */
  constructor(file: URL, options?: WorkerOptions) {
    this.#worker = new Worker(file, options);
    this.#caller = new Caller((message, ports) => this.#worker.postMessage(message, [...ports]));
    this.#worker.on('message', (message) => this.#caller.hear(message));
    const gone = Promise.withResolvers<unknown>();
    this.gone = gone.promise;
    let cause: unknown;
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.#worker.on('exit', () => {
      this.#alive = false;
      this.#caller.fail(new SphynxError('internal', 'a worker thread died', { cause }));
      gone.resolve(cause);
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Busy time of the thread since its start (ms). */
  get activeMs(): number {
    if (this.#alive) this.#activeMs = this.#worker.performance.eventLoopUtilization().active;
    return this.#activeMs;
  }

  /** Runs a call. Throws what the thread throws, and 'internal' if it dies. */
  call<Name extends keyof Calls>(
    name: Name,
    given: Calls[Name]['given'],
    options?: CallOptions<EventOf<Calls[Name]>, MessagePort>,
  ): Promise<ResultOf<Calls[Name]>> {
    return this.#caller.call(name, given, options);
  }

  /** Sets whether the thread keeps the process alive. */
  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Terminates the thread at once. When this resolves, it no longer accesses any file. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
    await this.gone;
  }
}

/** Answers, in a worker thread, the calls of the thread that started it. */
export function answerCalls<Calls extends CallTypes<Calls>>(answers: Answers<Calls>): void {
  const main = parentPort as MessagePort;
  main.on(
    'message',
    answering(answers, (message) => main.postMessage(message)),
  );
}
