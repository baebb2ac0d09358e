import { SphynxError, type SphynxErrorCode } from '../../errors/sphynx-error.ts';

/** Why a claim is not granted, in the order in which the stores ask. */
export type Refusal =
  | 'unknown'
  | 'spent'
  | 'format'
  | 'mismatch'
  | 'expired'
  | 'hour'
  | 'total'
  | 'begunHour'
  | 'begunTotal';

const REFUSALS: Record<Refusal, { code: SphynxErrorCode; message: string }> = {
  // Another client's bundle is reported as unknown.
  unknown: {
    code: 'bundle/unknown',
    message: 'this server holds no such bundle of yours; prepare a new one',
  },
  spent: {
    code: 'bundle/spent',
    message: 'the bundle was used before; every bundle serves one image',
  },
  format: {
    code: 'bundle/unknown',
    message:
      'the bundle was prepared with another version of the server, which can no longer be used; prepare a new one',
  },
  mismatch: {
    code: 'model/mismatch',
    message: 'the bundle was prepared for another model or version of it',
  },
  expired: {
    code: 'bundle/expired',
    message: 'the bundle is older than its lifetime; prepare a new one',
  },
  hour: { code: 'quota/exceeded', message: 'you have reached your limit of inferences per hour' },
  total: {
    code: 'quota/exceeded',
    message: 'you have reached your total limit of inferences; ask the operator for more',
  },
  begunHour: {
    code: 'quota/exceeded',
    message: 'you have reached your limit of preparations per hour, which includes aborted ones',
  },
  begunTotal: {
    code: 'quota/exceeded',
    message:
      'you have reached your total limit of preparations, which includes aborted ones; ask the operator for more',
  },
};

/** Refusals that end with the hour. */
const HOURLY: readonly Refusal[] = ['hour', 'begunHour'];

/** @param waitMs for hourly refusals: until the hour is over */
export function refusalError(refusal: Refusal, waitMs = 0): SphynxError {
  const { code, message } = REFUSALS[refusal];
  if (!HOURLY.includes(refusal)) return new SphynxError(code, message);
  const minutes = Math.max(1, Math.ceil(waitMs / 60_000));
  return new SphynxError(code, `${message}; try again in ${minutes} min`, { retryAfterMs: waitMs });
}

/** Returns the error for a client that holds its maximum of unspent bundles. */
export function tooManyBundles(limit: number): SphynxError {
  return new SphynxError(
    'server/busy',
    `this client holds ${limit} unspent bundles, which is its limit: classify with them, or let them expire`,
  );
}

export function notPreparing(): SphynxError {
  return new SphynxError('bundle/unknown', 'the bundle is no longer being prepared; prepare another one');
}
