import { Metadata, status as Status } from '@grpc/grpc-js';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import { STATUS_DETAILS_LENGTH } from './limits.ts';

/** The one mapping between the project's error codes and gRPC statuses. */

/** Trailing metadata that carries the SphynxError code; the message travels as the status details. */
export const CODE_KEY = 'sphynx-code';

/** Trailing metadata of a refusal that passes: when to try again (whole milliseconds from now). */
export const RETRY_KEY = 'sphynx-retry-after-ms';

const STATUS_OF: Record<SphynxErrorCode, Status> = {
  'kernels/missing': Status.INTERNAL,
  'kernels/memory': Status.RESOURCE_EXHAUSTED,
  'crypto/input': Status.INVALID_ARGUMENT,
  'crypto/parameters': Status.INVALID_ARGUMENT,
  'model/format': Status.INTERNAL,
  'model/unsupported': Status.UNIMPLEMENTED,
  'model/mismatch': Status.FAILED_PRECONDITION,
  'model/unknown': Status.NOT_FOUND,
  'protocol/format': Status.INVALID_ARGUMENT,
  'protocol/length': Status.INVALID_ARGUMENT,
  'protocol/order': Status.INVALID_ARGUMENT,
  'protocol/inconsistent': Status.INVALID_ARGUMENT,
  'protocol/closed': Status.CANCELLED,
  'protocol/deadline': Status.DEADLINE_EXCEEDED,
  'bundle/unknown': Status.NOT_FOUND,
  'bundle/spent': Status.FAILED_PRECONDITION,
  'bundle/expired': Status.FAILED_PRECONDITION,
  'bundle/none': Status.FAILED_PRECONDITION,
  'bundle/corrupt': Status.DATA_LOSS,
  'image/unreadable': Status.INVALID_ARGUMENT,
  'input/invalid': Status.INVALID_ARGUMENT,
  'server/busy': Status.RESOURCE_EXHAUSTED,
  'quota/exceeded': Status.RESOURCE_EXHAUSTED,
  'server/stopping': Status.UNAVAILABLE,
  'server/unreachable': Status.UNAVAILABLE,
  'identity/missing': Status.UNAUTHENTICATED,
  'identity/invalid': Status.UNAUTHENTICATED,
  'storage/failed': Status.INTERNAL,
  'config/invalid': Status.INVALID_ARGUMENT,
  aborted: Status.CANCELLED,
  internal: Status.INTERNAL,
};

/** Statuses that gRPC itself raises, where no code of ours is attached. */
const CODE_OF_BARE: Partial<Record<Status, { code: SphynxErrorCode; meaning: string }>> = {
  [Status.CANCELLED]: { code: 'protocol/closed', meaning: 'the call was cut off; try again' },
  // As when bytes are lost on the way: what comes is no HTTP/2 any more. Faults of the peer itself have a code of ours.
  [Status.INTERNAL]: { code: 'protocol/closed', meaning: 'the connection was damaged; try again' },
  [Status.DEADLINE_EXCEEDED]: {
    code: 'protocol/deadline',
    meaning: 'the call took longer than allowed; check the connection, and try again',
  },
  [Status.UNAVAILABLE]: { code: 'server/unreachable', meaning: 'no connection to the server' },
  [Status.RESOURCE_EXHAUSTED]: { code: 'protocol/length', meaning: 'a message was larger than allowed' },
  [Status.UNIMPLEMENTED]: { code: 'config/invalid', meaning: 'the server does not offer this service' },
};

/** What gRPC wants to know of a failed call. */
export interface CallStatus {
  readonly code: Status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** `error` as a status for the peer: code and message, never the cause. */
export function toStatus(error: SphynxError): CallStatus {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.retryAfterMs !== undefined) metadata.set(RETRY_KEY, String(Math.ceil(error.retryAfterMs)));
  return { code: STATUS_OF[error.code], details: printable(error.message), metadata };
}

/**
 * The peer's failure as it was thrown there. A status without a code of ours comes from gRPC itself and is
 * translated. The peer's text is not trusted: it is cut to length and freed of control characters.
 */
export function fromStatus(failure: { code: number; details: string; metadata?: Metadata }): SphynxError {
  const code = failure.metadata?.get(CODE_KEY)[0];
  if (typeof code === 'string' && Object.hasOwn(STATUS_OF, code)) {
    if (code === 'internal')
      return new SphynxError(code, `the other side failed: ${printable(failure.details)}`);
    return new SphynxError(code as SphynxErrorCode, printable(failure.details), {
      retryAfterMs: retryAfter(failure.metadata),
    });
  }
  const bare = CODE_OF_BARE[failure.code as Status];
  const details = printable(failure.details);
  if (bare) return new SphynxError(bare.code, `${bare.meaning} (${details})`);
  return new SphynxError('internal', `the call failed with gRPC status ${failure.code} (${details})`);
}

/** The peer's hint, if it is one: a day at most. */
function retryAfter(metadata: Metadata | undefined): number | undefined {
  const [text] = metadata?.get(RETRY_KEY) ?? [];
  return typeof text === 'string' && /^\d{1,8}$/.test(text) ? Number(text) : undefined;
}

function printable(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, STATUS_DETAILS_LENGTH);
}
