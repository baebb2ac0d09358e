import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { randomSeed } from '../../crypto/prg.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type {
  BundleClaim,
  BundleCounts,
  BundleModel,
  BundleStore,
  NewBundle,
} from '../../server/store/bundle-store.ts';
import { forget } from '../../server/store/record-cipher.ts';

/** Longer than an attack lasts. */
const LIFETIME_MS = 3_600_000;

/** How often counts are polled until they settle, and the pause in between (ms). */
const LOOKS = 50;
const LOOK_MS = 100;

/** The server's records, with a watch on their states: an attack must not change any illegally. */
export class WatchedStore implements BundleStore {
  readonly #store: BundleStore;
  readonly #nowReady = new Set<string>();
  /** Clients of the bundles in preparation. */
  readonly #clientOf = new Map<string, string>();
  /** Clients whose calls have made a bundle ready, or spent one. */
  readonly #ready = new Set<string>();
  readonly #spent = new Set<string>();

  constructor(store: BundleStore) {
    this.#store = store;
  }

  /**
   * Adds a bundle of the caller with this token, as after a preparation or, without `confirmed`, in the middle of one.
   */
  async put(
    token: string,
    model: BundleModel,
    secrets: BundleSecrets = { seed: randomSeed(), delta: null },
    confirmed = true,
  ): Promise<string> {
    const client = createHash('sha256').update(token).digest('hex');
    const id = randomBytes(16).toString('hex');
    const caller = { client, identity: client, anonymous: true };
    await this.#store.create({ ...caller, id, model, secrets, lifetimeMs: LIFETIME_MS });
    if (confirmed) {
      await this.#store.markReady(id);
      this.#nowReady.add(id);
    }
    return id;
  }

  standing(identity: string): ReturnType<BundleStore['standing']> {
    return this.#store.standing(identity);
  }

  /** As `put`, and spends it. */
  async putSpent(token: string, model: BundleModel): Promise<string> {
    const id = await this.put(token, model);
    const client = createHash('sha256').update(token).digest('hex');
    forget(await this.#store.spend({ id, client, identity: client, anonymous: true, model }));
    await this.#store.markSpent(id);
    this.#nowReady.delete(id);
    return id;
  }

  /** Number of ready bundles according to the calls to this store. */
  get ready(): number {
    return this.#nowReady.size;
  }

  /** Whether the caller's calls have made a bundle ready, and whether they have spent one. */
  movedBy(token: string): { ready: boolean; spent: boolean } {
    const client = createHash('sha256').update(token).digest('hex');
    return { ready: this.#ready.has(client), spent: this.#spent.has(client) };
  }

  /** Returns the counts after ended calls have cleaned up, which they do after their last message. */
  async settled(): Promise<BundleCounts> {
    for (let look = 0; ; look++) {
      const counts = await this.#store.counts();
      if (counts.preparing + counts.spending === 0 || look === LOOKS) return counts;
      await delay(LOOK_MS);
    }
  }

  /** Resets the watch, not the records. */
  forget(): void {
    for (const seen of [this.#clientOf, this.#ready, this.#spent]) seen.clear();
  }

  async create(bundle: NewBundle): Promise<number> {
    this.#clientOf.set(bundle.id, bundle.client);
    return this.#store.create(bundle);
  }

  async markReady(id: string): Promise<void> {
    await this.#store.markReady(id);
    this.#nowReady.add(id);
    this.#ready.add(this.#clientOf.get(id) as string);
  }

  async spend(claim: BundleClaim): Promise<BundleSecrets> {
    const secrets = await this.#store.spend(claim);
    this.#nowReady.delete(claim.id);
    this.#spent.add(claim.client);
    return secrets;
  }

  abandon = (id: string) => this.#store.abandon(id);
  markSpent = (id: string) => this.#store.markSpent(id);
  discard = (client: string, ids: readonly string[]) => this.#store.discard(client, ids);
  burnLeftovers = () => this.#store.burnLeftovers();
  sweep = () => this.#store.sweep();
  counts = () => this.#store.counts();
  close = () => this.#store.close();
}
