import { SphynxError } from '../../errors/sphynx-error.ts';
import { QUOTA_HOUR_MS } from '../store/store-limits.ts';

interface Account {
  /** When its hour began, by the clock of the budget (ms). */
  readonly began: number;
  bytes: number;
}

/**
 * Counts the payload bytes that each identity has moved, or is about to move, in an hour that began with its first
 * byte. The counts are in memory: every server counts separately and starts from zero after a restart.
 */
export class ByteBudget {
  readonly #limits: { readonly bytesPerHour: number };
  readonly #clock: () => number;
  readonly #accounts = new Map<string, Account>();

  /** @param limits read at each charge. @param clock a monotonic clock (ms); a test seam */
  constructor(limits: { readonly bytesPerHour: number }, clock: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Charges an identity for the bytes that it is about to move. The returned function replaces the charge by the bytes
   * that were really moved. Throws 'quota/exceeded', with the time until the hour ends, if the charge exceeds the rest
   * of the budget.
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
        `you have moved ${account.bytes} of ${bytesPerHour} allowed bytes in this hour, and this takes ${price} more; try again in ${Math.ceil(retryAfterMs / 60_000)} min`,
        { retryAfterMs },
      );
    }
    account.bytes += price;
    this.#accounts.set(identity, account);
    return (moved) => {
      account.bytes += moved - price;
    };
  }

  /** Deletes the accounts whose hour is over. Call it about once a minute. */
  sweep(): void {
    const now = this.#clock();
    for (const [identity, { began }] of this.#accounts)
      if (now >= began + QUOTA_HOUR_MS) this.#accounts.delete(identity);
  }
}
