import { SphynxError } from '../errors/sphynx-error.ts';
import type { Plan } from '../protocol/plan.ts';
import { MAX_BUNDLE_BYTES, MAX_TENSOR_BYTES } from './limits.ts';
import type { PlanFacts } from './role-jobs.ts';

/**
 * Returns the facts about a plan that the main thread needs. Throws 'model/unsupported' if a server's card needs more
 * disk or memory than a client grants.
 */
export function planFacts({ he, hash, sessionBytes, offlineBytes, bundleBytes, rounds }: Plan): PlanFacts {
  const packings = [...he.tensors, ...he.layers.flatMap(({ parts }) => parts)];
  const largest = packings.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  check('ciphertexts of one layer', largest, MAX_TENSOR_BYTES);
  check('a bundle', bundleBytes, MAX_BUNDLE_BYTES);
  return { hash, sessionBytes, offlineBytes, bundleBytes, rounds };
}

function check(what: string, bytes: number, most: number): void {
  if (bytes > most)
    throw new SphynxError(
      'model/unsupported',
      `the server's model needs ${bytes} bytes for ${what}, and this client gives at most ${most}`,
    );
}
