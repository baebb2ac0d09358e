import { DELETE_ALL, RELEASE } from '#client/remedies';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import type { BundleStore, SpendingBundle } from './bundle-store.ts';
import type { BundleRefused } from './infer.ts';

/** The next step for an image whose bundle was refused: wait and ask again, try another bundle, or fail. */
export type NextStep = 'wait' | 'another' | 'fail';

/** Refusals that leave the server's record as it was. */
const UNTOUCHED: readonly SphynxErrorCode[] = [
  'server/busy',
  'quota/exceeded',
  'server/stopping',
  'identity/missing',
  'identity/invalid',
  'model/mismatch',
  'model/unknown',
  'config/invalid',
];

/** Refusals that another bundle may avoid. */
const ANOTHER: readonly SphynxErrorCode[] = [
  'bundle/unknown',
  'bundle/expired',
  'server/unreachable',
  'protocol/closed',
];

/**
 * Handles a bundle that the server did not accept; nothing masked has been sent. The bundle becomes ready again if the
 * server has not heard of it, as when the application's token function throws, or left its record unchanged. It is lost
 * if the server may have spent it. If it was spent before, the folder is
 * also used elsewhere: the folder's other bundles are set aside, and the error says so.
 */
export async function putAway(
  store: BundleStore,
  bundle: SpendingBundle,
  { asked, code }: BundleRefused,
): Promise<NextStep> {
  if (!asked) {
    await bundle.giveBack();
    return 'fail';
  }
  if (code === 'bundle/spent') {
    await store.setAside();
    await bundle.burn();
    throw usedElsewhere(bundle.header.bundleId, (await store.listSetAside()).length);
  }
  if (UNTOUCHED.includes(code)) {
    await bundle.giveBack();
    return 'wait';
  }
  await bundle.lose();
  return ANOTHER.includes(code) ? 'another' : 'fail';
}

function usedElsewhere(bundleId: string, others: number): SphynxError {
  return new SphynxError(
    'bundle/spent',
    `the server says that the bundle ${bundleId.slice(0, 8)} was used before, and it was not used here: was this state folder copied, or restored from a backup or snapshot? Nothing of this image has been sent. Two images under one bundle would show the server their difference, so the ${others} other bundles of the folder are set aside: ${DELETE_ALL}, or release them if you know that they are used nowhere else (${RELEASE})`,
  );
}
