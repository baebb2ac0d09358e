import type { WebCall } from './web-call.ts';

/**
 * The connection for the next call, which is open before the server hears of the call. At most one is kept, because the
 * server can fill the memory of each.
 */
export class SpareCall<Incoming, Outgoing> {
  #call: WebCall<Incoming, Outgoing> | undefined;

  /** Keeps an open connection in place of an earlier one. It is closed if the server speaks first. */
  keep(call: WebCall<Incoming, Outgoing>): void {
    this.drop();
    this.#call = call;
    const early = () => {
      if (this.#call === call) this.drop();
    };
    call.on('readable', early);
    call.on('end', early);
  }

  /** Hands the connection to its call; undefined if there is none that can be used. */
  take(): WebCall<Incoming, Outgoing> | undefined {
    const call = this.#call;
    this.#call = undefined;
    if (call?.usable) return call;
    call?.cancel();
    return undefined;
  }

  /** Closes the connection. */
  drop(): void {
    this.#call?.cancel();
    this.#call = undefined;
  }
}
