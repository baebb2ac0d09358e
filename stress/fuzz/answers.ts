import type { SphynxError } from '../../errors/sphynx-error.ts';
import { codecOf, contentOf, type Method } from './codec.ts';

/** What the server says in one call. */
export class Answers {
  /** The bundle's id, or undefined if the call ends without one. */
  readonly offered: Promise<string | undefined>;
  /** Rejects with what the call was refused with. */
  readonly end: Promise<void>;
  readonly #method: Method;
  readonly #offer = Promise.withResolvers<string | undefined>();
  readonly #end = Promise.withResolvers<void>();
  #over = false;

  constructor(method: Method) {
    this.#method = method;
    this.offered = this.#offer.promise;
    this.end = this.#end.promise;
    // Awaited later than it may fail.
    this.end.catch(() => {});
  }

  get over(): boolean {
    return this.#over;
  }

  /** A message has come. */
  take(bytes: Buffer): void {
    const said = contentOf(codecOf('client', this.#method).decode(bytes) ?? {});
    if (said?.name === 'offer') this.#offer.resolve(said.content.bundleId as string);
  }

  /** The call is over. */
  close(failure?: SphynxError): void {
    this.#over = true;
    this.#offer.resolve(undefined);
    if (failure) this.#end.reject(failure);
    else this.#end.resolve();
  }
}

/** One call of an attacker, on either edge of the server. */
export interface AttackCall {
  readonly answers: Answers;
  /** Sends bytes as a message of the call, whatever they are. */
  write(bytes: Buffer): void;
  /** Says that nothing follows. */
  end(): void;
  /** Leaves without a word. */
  cut(): void;
}
