/** Typed calls between a thread and its worker, over any two-way message transport. */
import { asSphynxError, SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';

/** Causes of one error that are reported. */
const MOST_CAUSES = 8;

/** One call: its argument, its result if any, and the worker's notifications meanwhile. */
export interface CallType {
  given: unknown;
  result?: unknown;
  event?: unknown;
}

/** The calls that a worker answers, by name. */
export type CallTypes<Calls> = { [Name in keyof Calls]: CallType };

// biome-ignore lint/suspicious/noConfusingVoidType: the type of what a function returns
export type ResultOf<Call> = Call extends { result: infer Result } ? Result : void;
export type EventOf<Call> = Call extends { event: infer Event } ? Event : never;

export type ToWorker<Calls> =
  | { readonly type: 'call'; readonly id: number; readonly name: keyof Calls; readonly given: unknown }
  | { readonly type: 'abort'; readonly id: number };

export type FromWorker =
  | { readonly type: 'result'; readonly id: number; readonly result: unknown }
  | { readonly type: 'event'; readonly id: number; readonly event: unknown }
  | {
      readonly type: 'failure';
      readonly id: number;
      readonly code: SphynxErrorCode;
      readonly message: string;
      readonly retryAfterMs?: number;
      /** The origin of an internal fault, for the log. */
      readonly detail?: string;
    };

export interface CallOptions<Event, Port = never> {
  /** Aborts the call's signal in the worker; the call still ends with the worker's answer. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: Event) => void;
  /** Ports in the argument, which are transferred to the worker. */
  readonly ports?: readonly Port[];
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: SphynxError) => void;
  readonly onEvent?: (event: unknown) => void;
}

/** Calls a worker. Its owner passes on the worker's messages, and reports when the worker is gone. */
export class Caller<Calls extends CallTypes<Calls>, Port = never> {
  readonly #post: (message: ToWorker<Calls>, ports: readonly Port[]) => void;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #gone: SphynxError | undefined;

  constructor(post: (message: ToWorker<Calls>, ports: readonly Port[]) => void) {
    this.#post = post;
  }

  /** Runs a call. Throws what the worker throws, as a SphynxError, or the reason why it is gone. */
  async call<Name extends keyof Calls>(
    name: Name,
    given: Calls[Name]['given'],
    { signal, onEvent, ports = [] }: CallOptions<EventOf<Calls[Name]>, Port> = {},
  ): Promise<ResultOf<Calls[Name]>> {
    if (this.#gone) throw this.#gone;
    const id = this.#next++;
    const abort = () => this.#post({ type: 'abort', id }, []);
    const { promise, resolve, reject } = Promise.withResolvers<ResultOf<Calls[Name]>>();
    this.#waiting.set(id, { resolve, reject, onEvent } as Waiting);
    try {
      this.#post({ type: 'call', id, name, given }, ports);
      signal?.addEventListener('abort', abort);
      if (signal?.aborted) abort();
      return await promise;
    } finally {
      this.#waiting.delete(id);
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Handles a message of the worker. */
  hear(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    if (message.type === 'event') waiting?.onEvent?.(message.event);
    else if (message.type === 'result') waiting?.resolve(message.result);
    else {
      const { code, message: text, retryAfterMs, detail } = message;
      waiting?.reject(new SphynxError(code, text, { retryAfterMs, cause: detail }));
    }
  }

  /** Fails all current and future calls, because the worker is gone. */
  fail(reason: SphynxError): void {
    this.#gone = reason;
    for (const { reject } of this.#waiting.values()) reject(reason);
  }
}

/** How a worker answers each of its calls. */
export type Answers<Calls extends CallTypes<Calls>> = {
  readonly [Name in keyof Calls]: (
    given: Calls[Name]['given'],
    call: { readonly signal: AbortSignal; readonly tell: (event: EventOf<Calls[Name]>) => void },
  ) => ResultOf<Calls[Name]> | Promise<ResultOf<Calls[Name]>>;
};

/**
 * Answers calls in a worker: returns the function that handles its messages. Calls begin in the order of their arrival.
 */
export function answering<Calls extends CallTypes<Calls>>(
  answers: Answers<Calls>,
  say: (message: FromWorker) => void,
): (message: ToWorker<Calls>) => void {
  const running = new Map<number, AbortController>();
  const answer = async (id: number, name: keyof Calls, given: Calls[keyof Calls]['given']) => {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      const tell = (event: unknown) => say({ type: 'event', id, event });
      say({ type: 'result', id, result: await answers[name](given, { signal: abort.signal, tell }) });
    } catch (error) {
      const { code, message, retryAfterMs } = asSphynxError(error);
      const detail = code === 'internal' ? withCauses(error) : undefined;
      say({ type: 'failure', id, code, message, retryAfterMs, detail });
    } finally {
      running.delete(id);
    }
  };
  return (message) => {
    if (message.type === 'abort') running.get(message.id)?.abort();
    else answer(message.id, message.name, message.given);
  };
}

/** Returns the stacks of an error and of its causes, the outermost first. */
function withCauses(error: unknown): string {
  const stacks: string[] = [];
  for (let cause = error; cause && stacks.length < MOST_CAUSES; cause = (cause as Error).cause)
    stacks.push(String((cause as Error).stack ?? cause));
  return stacks.join('\ncaused by ');
}
