/** Bundles with a made-up body, for tests of the store. */
import { createHash } from 'node:crypto';
import type { BundleStore } from '../../client/bundle-store.ts';
import { createBundle } from '../../client/node/bundle-body.ts';

export const MODEL_HASH = createHash('sha256').update('a model').digest('hex');
export const PLAN_HASH = createHash('sha256').update('a plan').digest('hex');

/** A bundle id that tells the tests' bundles apart. */
export function bundleId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

/** Prepares bundle `number` with `body`, ready to be taken. Returns its path while it was partial. */
export async function addBundle(
  store: BundleStore,
  number: number,
  { body = new Uint8Array(100).fill(number), expiresAt = Date.now() + 3_600_000, planHash = PLAN_HASH } = {},
): Promise<string> {
  const partial = await store.begin(MODEL_HASH, bundleId(number), body.length);
  const writer = createBundle(partial.path);
  writer.write(body);
  const header = { bundleId: bundleId(number), model: 'a model', modelHash: MODEL_HASH, planHash, expiresAt };
  const offline = { ms: 1, up: 2, down: 3 };
  await partial.seal({ ...header, preparedAt: Date.now(), offline, body: await writer.finish() });
  await partial.publish();
  return partial.path;
}
