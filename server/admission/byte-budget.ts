import { SphynxError } from '../../errors/sphynx-error.ts';
import { QUOTA_HOUR_MS } from '../store/store-limits.ts';

interface Account {
  /** When its hour began, by the clock of the budget (ms). */
  readonly began: number;
  bytes: number;
}

/**
 * How many bytes of payload each identity has moved, or is about to move, in an hour that began with its first ones.
 * Kept in memory: every server counts its own, and begins anew with a restart.
 */
export class ByteBudget {
  readonly #limits: { readonly bytesPerHour: number };
  readonly #clock: () => number;
  readonly #accounts = new Map<string, Account>();

  /** @param limits read at each charge. @param clock milliseconds of a clock that nobody sets; a test seam */
  constructor(limits: { readonly bytesPerHour: number }, clock: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Charges an identity for what it is about to move (bytes). The returned function ends that: it takes what has really
   * been moved. Throws 'quota/exceeded', with the time until the hour is over, if that is more than is left.
   */
  charge(identity: string, price: number): (moved: number) => void {
    const now = this.#clock();
    const known = this.#accounts.get(identity);
    const account = known && now < known.began + QUOTA_HOUR_MS ? known : { began: now, bytes: 0 };
    const { bytesPerHour } = this.#limits;
    if (account.bytes + price > bytesPerHour) {
      const retryAfterMs = account.began + QUOTA_HOUR_MS - now;
      throw new SphynxError(
        'quota/exceeded',
        `you have moved ${account.bytes} bytes in this hour, of ${bytesPerHour} that you may, and this takes ${price}; try again in ${Math.ceil(retryAfterMs / 60_000)} min`,
        { retryAfterMs },
      );
    }
    account.bytes += price;
    this.#accounts.set(identity, account);
    return (moved) => {
      account.bytes += moved - price;
    };
  }

  /** Forgets whose hour is over; call it every minute or so. */
  sweep(): void {
    const now = this.#clock();
    for (const [identity, { began }] of this.#accounts)
      if (now >= began + QUOTA_HOUR_MS) this.#accounts.delete(identity);
  }
}
