/** The two kinds of bundle store for tests that hold both to one contract. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createClient } from 'redis';
import type { BundleStore } from '../../../server/store/bundle-store.ts';
import { RecordCipher, storeKey } from '../../../server/store/record-cipher.ts';
import { RedisBundleStore } from '../../../server/store/redis-bundle-store.ts';
import { SqliteBundleStore } from '../../../server/store/sqlite-bundle-store.ts';
import type { StoreLimits } from '../../../server/store/store-limits.ts';

export const LIMITS: StoreLimits = {
  bundlesPerClient: 100,
  inferencesPerHour: 1000,
  inferencesTotal: 1000,
  preparationsPerHour: 1000,
  preparationsTotal: 1000,
};

export const CIPHER = new RecordCipher([storeKey(Buffer.alloc(32, 7))]);

/** Where records lie: can be told to another process. */
export type Place = { readonly folder: string } | { readonly url: string };

export interface StoreSettings extends Partial<StoreLimits> {
  readonly now?: () => number;
  readonly leaseMs?: number;
  readonly cipher?: RecordCipher;
}

export async function openPlace(place: Place, settings: StoreSettings = {}): Promise<BundleStore> {
  const { cipher = CIPHER, now, leaseMs, ...rest } = settings;
  const limits = { ...LIMITS, ...rest };
  if ('folder' in place) return new SqliteBundleStore(place.folder, cipher, limits, now);
  return RedisBundleStore.open({ url: place.url }, cipher, limits, { now, leaseMs });
}

/** Changes fields of a record behind the back of the store, as whoever can write to its place can. */
export async function editRecord(place: Place, id: string, fields: Record<string, string>): Promise<void> {
  if ('folder' in place) {
    const database = new DatabaseSync(join(place.folder, 'bundles.sqlite'));
    for (const [name, value] of Object.entries(fields))
      database.prepare(`UPDATE bundle SET ${name} = ? WHERE id = ?`).run(value, id);
    database.close();
    return;
  }
  const admin = await createClient({ url: place.url }).connect();
  await admin.hSet(`{sphynx}:bundle:${id}`, fields);
  admin.destroy();
}

/** What is sealed in a record. */
export async function sealedIn(place: Place, id: string): Promise<string> {
  if ('folder' in place) {
    const database = new DatabaseSync(join(place.folder, 'bundles.sqlite'), { readOnly: true });
    const row = database.prepare('SELECT secrets FROM bundle WHERE id = ?').get(id);
    database.close();
    return String(row?.secrets);
  }
  const admin = await createClient({ url: place.url }).connect();
  const sealed = await admin.hGet(`{sphynx}:bundle:${id}`, 'secrets');
  admin.destroy();
  return String(sealed);
}
