import { SphynxError } from '../../errors/sphynx-error.ts';
import type { BundleStore } from './bundle-store.ts';
import { lockFolder } from './folder-lock.ts';
import { RecordCipher, type StoreKey } from './record-cipher.ts';
import type { RedisOptions } from './redis-connection.ts';
import { SqliteBundleStore } from './sqlite-bundle-store.ts';
import { configuredKeys, KEY_VARIABLE, ownKeys } from './store-keys.ts';
import type { StoreLimits } from './store-limits.ts';

/** The location of bundle records, and the keys that seal their secrets. */
export interface StoreOptions {
  /**
   * The folder of the records, made if it is missing. Only one server process can use a folder. Needed without `redis`.
   */
  readonly stateFolder?: string;
  /** Records that several servers share, in place of those of a folder. */
  readonly redis?: RedisOptions;
  /**
   * File of store keys, the first of which seals new records. Default: the environment's SPHYNX_STORE_KEY, or else a
   * key that is generated in the state folder. Redis needs the file or the variable.
   */
  readonly storeKeys?: string;
}

/** The keys that the options or the environment give. Throws 'config/invalid' if records in Redis have none. */
export function givenKeys({
  redis,
  storeKeys,
}: Pick<StoreOptions, 'redis' | 'storeKeys'>): StoreKey[] | undefined {
  const keys = configuredKeys(storeKeys);
  if (redis && !keys)
    throw new SphynxError(
      'config/invalid',
      `servers that share records need one store key for all: make one with \`sphynx store-key new\` and give it as a file or in ${KEY_VARIABLE}`,
    );
  return keys;
}

/**
 * Opens the store that the options select; closing it unlocks the folder. `dropped`: number of ready bundles of an
 * older format that were dropped. Throws 'config/invalid' or 'storage/failed'.
 */
export async function openStore(
  { stateFolder, redis, storeKeys }: StoreOptions,
  limits: StoreLimits,
): Promise<{ store: BundleStore; dropped: number; close(): Promise<void> }> {
  const keys = givenKeys({ redis, storeKeys });
  if (redis && keys) {
    // Loaded here only: the client of Redis is half of all the modules that a server loads.
    const { RedisBundleStore } = await import('./redis-bundle-store.ts');
    const store = await RedisBundleStore.open(redis, new RecordCipher(keys), limits);
    return { store, dropped: 0, close: () => store.close() };
  }
  if (stateFolder === undefined)
    throw new SphynxError('config/invalid', 'a server without Redis needs a state folder for its records');
  const unlock = lockFolder(stateFolder);
  try {
    const store = new SqliteBundleStore(stateFolder, new RecordCipher(keys ?? ownKeys(stateFolder)), limits);
    const close = async () => {
      await store.close();
      unlock();
    };
    return { store, dropped: store.dropped, close };
  } catch (error) {
    unlock();
    throw error;
  }
}
