/** The one mapping between the project's error codes and the statuses of calls. */
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import type { CallFailure } from './call-transport.ts';
import { STATUS_DETAILS_LENGTH } from './limits.ts';
import { STATUS, type StatusCode } from './status-codes.ts';

/** Trailing metadata that carries the SphynxError code; the message travels as the status details. */
export const CODE_KEY = 'sphynx-code';

/** Trailing metadata of a temporary refusal: when to try again (whole milliseconds from now). */
export const RETRY_KEY = 'sphynx-retry-after-ms';

const STATUS_OF: Record<SphynxErrorCode, StatusCode> = {
  'kernels/missing': STATUS.INTERNAL,
  'kernels/memory': STATUS.RESOURCE_EXHAUSTED,
  'crypto/input': STATUS.INVALID_ARGUMENT,
  'crypto/parameters': STATUS.INVALID_ARGUMENT,
  'model/format': STATUS.INTERNAL,
  'model/unsupported': STATUS.UNIMPLEMENTED,
  'model/mismatch': STATUS.FAILED_PRECONDITION,
  'model/unknown': STATUS.NOT_FOUND,
  'protocol/format': STATUS.INVALID_ARGUMENT,
  'protocol/length': STATUS.INVALID_ARGUMENT,
  'protocol/order': STATUS.INVALID_ARGUMENT,
  'protocol/inconsistent': STATUS.INVALID_ARGUMENT,
  'protocol/closed': STATUS.CANCELLED,
  'protocol/deadline': STATUS.DEADLINE_EXCEEDED,
  'bundle/unknown': STATUS.NOT_FOUND,
  'bundle/spent': STATUS.FAILED_PRECONDITION,
  'bundle/expired': STATUS.FAILED_PRECONDITION,
  'bundle/none': STATUS.FAILED_PRECONDITION,
  'bundle/corrupt': STATUS.DATA_LOSS,
  'image/unreadable': STATUS.INVALID_ARGUMENT,
  'input/invalid': STATUS.INVALID_ARGUMENT,
  'server/busy': STATUS.RESOURCE_EXHAUSTED,
  'quota/exceeded': STATUS.RESOURCE_EXHAUSTED,
  'server/stopping': STATUS.UNAVAILABLE,
  'server/unreachable': STATUS.UNAVAILABLE,
  'identity/missing': STATUS.UNAUTHENTICATED,
  'identity/invalid': STATUS.UNAUTHENTICATED,
  'storage/failed': STATUS.INTERNAL,
  'config/invalid': STATUS.INVALID_ARGUMENT,
  aborted: STATUS.CANCELLED,
  internal: STATUS.INTERNAL,
};

/** Statuses that gRPC itself raises, without a code of ours. */
const CODE_OF_BARE: Partial<Record<StatusCode, { code: SphynxErrorCode; meaning: string }>> = {
  [STATUS.CANCELLED]: { code: 'protocol/closed', meaning: 'the call was cut off; try again' },
  // Raised, for example, when bytes are lost and the stream is no longer valid HTTP/2. The peer's own faults carry a
  // code of ours.
  [STATUS.INTERNAL]: { code: 'protocol/closed', meaning: 'the connection was damaged; try again' },
  [STATUS.DEADLINE_EXCEEDED]: {
    code: 'protocol/deadline',
    meaning: 'the call took longer than allowed; check the connection, and try again',
  },
  [STATUS.UNAVAILABLE]: { code: 'server/unreachable', meaning: 'no connection to the server' },
  [STATUS.RESOURCE_EXHAUSTED]: { code: 'protocol/length', meaning: 'a message was larger than allowed' },
  [STATUS.UNIMPLEMENTED]: { code: 'config/invalid', meaning: 'the server does not offer this service' },
};

/** A failure as it is reported to the peer. */
export interface Refusal {
  readonly code: StatusCode;
  /** The message for people, printable and truncated. */
  readonly details: string;
  /** CODE_KEY, and RETRY_KEY if there is a hint. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Returns `error` as it is reported to the peer: code and message, never the cause. */
export function refusalOf({ code, message, retryAfterMs }: SphynxError): Refusal {
  const metadata: Record<string, string> = { [CODE_KEY]: code };
  if (retryAfterMs !== undefined) metadata[RETRY_KEY] = String(Math.ceil(retryAfterMs));
  return { code: STATUS_OF[code], details: printable(message), metadata };
}

/**
 * Returns the peer's failure as it was thrown there. A status without a code of ours comes from gRPC itself and is
 * translated. The peer's text is not trusted: it is truncated and stripped of control characters.
 */
export function fromStatus(failure: CallFailure): SphynxError {
  const code = failure.metadata?.get(CODE_KEY)[0];
  if (typeof code === 'string' && Object.hasOwn(STATUS_OF, code)) {
    if (code === 'internal')
      return new SphynxError(code, `the other side failed: ${printable(failure.details)}`);
    return new SphynxError(code as SphynxErrorCode, printable(failure.details), {
      retryAfterMs: retryAfter(failure.metadata),
    });
  }
  const bare = CODE_OF_BARE[failure.code as StatusCode];
  const details = printable(failure.details);
  if (bare) return new SphynxError(bare.code, `${bare.meaning} (${details})`);
  return new SphynxError('internal', `the call failed with gRPC status ${failure.code} (${details})`);
}

/** Returns the peer's retry hint if it is valid, at most a day. */
function retryAfter(metadata: CallFailure['metadata']): number | undefined {
  const [text] = metadata?.get(RETRY_KEY) ?? [];
  return typeof text === 'string' && /^\d{1,8}$/.test(text) ? Number(text) : undefined;
}

function printable(text: string): string {
  return text.replace(/\p{C}+/gu, ' ').slice(0, STATUS_DETAILS_LENGTH);
}
