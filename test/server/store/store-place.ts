/** The two kinds of bundle store for tests that hold both to one contract. */
import type { BundleStore, StoreLimits } from '../../../server/store/bundle-store.ts';
import { RedisBundleStore } from '../../../server/store/redis-bundle-store.ts';
import { SeedCipher, storeKey } from '../../../server/store/seed-cipher.ts';
import { SqliteBundleStore } from '../../../server/store/sqlite-bundle-store.ts';

export const LIMITS: StoreLimits = {
  bundlesPerClient: 100,
  inferencesPerHour: 1000,
  inferencesTotal: 1000,
  preparationsPerHour: 1000,
  preparationsTotal: 1000,
};

export const CIPHER = new SeedCipher([storeKey(Buffer.alloc(32, 7))]);

/** Where records lie: can be told to another process. */
export type Place = { readonly folder: string } | { readonly url: string };

export interface StoreSettings extends Partial<StoreLimits> {
  readonly now?: () => number;
  readonly leaseMs?: number;
  readonly cipher?: SeedCipher;
}

export async function openPlace(place: Place, settings: StoreSettings = {}): Promise<BundleStore> {
  const { cipher = CIPHER, now, leaseMs, ...rest } = settings;
  const limits = { ...LIMITS, ...rest };
  if ('folder' in place) return new SqliteBundleStore(place.folder, cipher, limits, now);
  return RedisBundleStore.open({ url: place.url }, cipher, limits, { now, leaseMs });
}
