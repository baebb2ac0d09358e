import { Metadata } from '@grpc/grpc-js';
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import type { CallStatus } from '../../transport/grpc/to-status.ts';
import { CODE_KEY, fromStatus, RETRY_KEY } from '../../transport/status.ts';
import { STATUS, type StatusCode } from '../../transport/status-codes.ts';
import type { Case } from './cases.ts';

/**
 * Statuses with which a hostile server ends a call: with codes of ours, without one, and with texts that must not reach
 * a terminal.
 */
const CUTS: readonly (readonly [StatusCode, string | undefined])[] = [
  [STATUS.CANCELLED, undefined],
  [STATUS.UNAVAILABLE, undefined],
  [STATUS.UNKNOWN, undefined],
  [STATUS.INTERNAL, 'internal'],
  [STATUS.RESOURCE_EXHAUSTED, 'server/busy'],
  [STATUS.FAILED_PRECONDITION, 'bundle/spent'],
  [STATUS.INVALID_ARGUMENT, 'no/such-code'],
  [STATUS.INVALID_ARGUMENT, '__proto__'],
];

/** Returns the status with which a case's server ends the call in place of an orderly end. */
export function cutStatus({ number }: Case): CallStatus {
  const [code, ours] = CUTS[number % CUTS.length];
  const metadata = new Metadata();
  if (ours !== undefined) metadata.set(CODE_KEY, ours);
  // Longer than the client waits in a case: it has to give up at once.
  metadata.set(RETRY_KEY, number % 2 ? '99999999' : 'soon');
  return { code, details: `\u001b]0;owned\u0007${'x'.repeat(number % 3 ? 10 : 3000)}`, metadata };
}

/** Returns the client's code for it. Over WebSocket a call without a code of ours is aborted. */
export function cutCode(attack: Case): SphynxErrorCode {
  const status = cutStatus(attack);
  if (attack.edge === 'grpc') return fromStatus(status).code;
  const ours = status.metadata.get(CODE_KEY).length > 0;
  return fromStatus({ ...status, code: ours ? STATUS.UNKNOWN : STATUS.CANCELLED }).code;
}
