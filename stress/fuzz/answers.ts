import type { SphynxError } from '../../errors/sphynx-error.ts';
import { codecOf, contentOf, type Method } from './codec.ts';

/** The server's messages in one call. */
export class Answers {
  /** The bundle's id, or undefined if the call ends without one. */
  readonly offered: Promise<string | undefined>;
  /** Rejects with the error of a refused call. */
  readonly end: Promise<void>;
  readonly #method: Method;
  readonly #offer = Promise.withResolvers<string | undefined>();
  readonly #end = Promise.withResolvers<void>();
  #over = false;

  constructor(method: Method) {
    this.#method = method;
    this.offered = this.#offer.promise;
    this.end = this.#end.promise;
    // It may reject before it is awaited.
    this.end.catch(() => {});
  }

  get over(): boolean {
    return this.#over;
  }

  /** Handles a message. */
  take(bytes: Buffer): void {
    const said = contentOf(codecOf('client', this.#method).decode(bytes) ?? {});
    if (said?.name === 'offer') this.#offer.resolve(said.content.bundleId as string);
  }

  /** Handles the end of the call. */
  close(failure?: SphynxError): void {
    this.#over = true;
    this.#offer.resolve(undefined);
    if (failure) this.#end.reject(failure);
    else this.#end.resolve();
  }
}

/** One call of an attacker, over gRPC or WebSocket. */
export interface AttackCall {
  readonly answers: Answers;
  /** Sends bytes as a message of the call, whatever they are. */
  write(bytes: Buffer): void;
  /** Ends the attacker's side of the call. */
  end(): void;
  /** Cuts the call without a status. */
  cut(): void;
}
