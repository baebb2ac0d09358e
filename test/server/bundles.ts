import { randomBytes } from 'node:crypto';
import type { BundleClaim, BundleStore, NewBundle } from '../../server/store/bundle-store.ts';

export const MODEL = { name: 'model', hash: 'a'.repeat(64), planHash: 'b'.repeat(64) };

export function newBundle(changes: Partial<NewBundle> = {}): NewBundle {
  return {
    id: randomBytes(16).toString('hex'),
    client: 'alice',
    identity: changes.client ?? 'alice',
    anonymous: false,
    model: MODEL,
    secrets: { seed: new Uint8Array(randomBytes(32)), delta: new Uint8Array(randomBytes(16)) },
    lifetimeMs: 60_000,
    ...changes,
  };
}

/** What 'alice' sends to spend a bundle. */
export function claimOf(id: string, changes: Partial<BundleClaim> = {}): BundleClaim {
  const identity = changes.client ?? 'alice';
  return { id, client: 'alice', identity, anonymous: false, model: MODEL, ...changes };
}

export async function readyBundle(store: BundleStore, changes: Partial<NewBundle> = {}): Promise<NewBundle> {
  const bundle = newBundle(changes);
  await store.create(bundle);
  await store.markReady(bundle.id);
  return bundle;
}
