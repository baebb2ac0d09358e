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

/** How often counts are looked at until they settle, and the pause between (ms). */
const LOOKS = 50;
const LOOK_MS = 100;

/** The server's records, and which of them came how far: an attack must not move any that it has no right to. */
export class WatchedStore implements BundleStore {
  readonly #store: BundleStore;
  readonly #nowReady = new Set<string>();
  /** Of bundles that calls are preparing. */
  readonly #clientOf = new Map<string, string>();
  /** Clients, by what their calls have done. */
  readonly #ready = new Set<string>();
  readonly #spent = new Set<string>();

  constructor(store: BundleStore) {
    this.#store = store;
  }

  /** Puts a bundle of the caller with this token there, as a preparation leaves it; without `confirmed` in its middle. */
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

  /** Bundles that are ready as the calls to this store have left them. */
  get ready(): number {
    return this.#nowReady.size;
  }

  /** Whether the caller's calls have made a bundle ready, and whether they have spent one. */
  movedBy(token: string): { ready: boolean; spent: boolean } {
    const client = createHash('sha256').update(token).digest('hex');
    return { ready: this.#ready.has(client), spent: this.#spent.has(client) };
  }

  /** The counts when calls that are over have put away what they leave, which they do after their last word. */
  async settled(): Promise<BundleCounts> {
    for (let look = 0; ; look++) {
      const counts = await this.#store.counts();
      if (counts.preparing + counts.spending === 0 || look === LOOKS) return counts;
      await delay(LOOK_MS);
    }
  }

  /** Forgets what was watched, not the records. */
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
