import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { BundleClaim, BundleStore, NewBundle } from '../../server/store/bundle-store.ts';

export const MODEL = { name: 'model', hash: 'a'.repeat(64), planHash: 'b'.repeat(64) };

/** A folder that is gone when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sphynx-test-'));
  // Again if it fails: a process that was killed may still write into it for a moment.
  after(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return folder;
}

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
