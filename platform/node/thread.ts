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

/** The thread of the file `name` beside the module `importer` (its `import.meta.url`), as source or compiled like it. */
export function threadFile(importer: string, name: string): URL {
  return new URL(`${name}${importer.endsWith('.ts') ? '.ts' : '.js'}`, importer);
}

/** A worker thread, seen from the thread that started it. */
export class Thread<Calls extends CallTypes<Calls>> {
  readonly #worker: Worker;
  readonly #caller: Caller<Calls, MessagePort>;
  #alive = true;
  #activeMs = 0;
  /** Resolves, with what killed it if anything did, when the thread is gone. */
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

  /** How long the thread has been at work since its start (ms). */
  get activeMs(): number {
    if (this.#alive) this.#activeMs = this.#worker.performance.eventLoopUtilization().active;
    return this.#activeMs;
  }

  /** Throws what the thread throws, and 'internal' if it dies. */
  call<Name extends keyof Calls>(
    name: Name,
    given: Calls[Name]['given'],
    options?: CallOptions<EventOf<Calls[Name]>, MessagePort>,
  ): Promise<ResultOf<Calls[Name]>> {
    return this.#caller.call(name, given, options);
  }

  /** Says whether the thread keeps the process running. */
  hold(busy: boolean): void {
    if (busy) this.#worker.ref();
    else this.#worker.unref();
  }

  /** Ends the thread wherever it is. When this resolves, it touches no file any more. */
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
