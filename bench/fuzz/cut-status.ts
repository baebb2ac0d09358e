import { Metadata, status as Status } from '@grpc/grpc-js';
import type { SphynxErrorCode } from '../../errors/sphynx-error.ts';
import { type CallStatus, CODE_KEY, fromStatus, RETRY_KEY } from '../../transport/status.ts';
import type { Case } from './cases.ts';

/** Ends that a hostile server gives a call: with codes of ours, with none, and with texts that no terminal should see. */
const CUTS: readonly (readonly [Status, string | undefined])[] = [
  [Status.CANCELLED, undefined],
  [Status.UNAVAILABLE, undefined],
  [Status.UNKNOWN, undefined],
  [Status.INTERNAL, 'internal'],
  [Status.RESOURCE_EXHAUSTED, 'server/busy'],
  [Status.FAILED_PRECONDITION, 'bundle/spent'],
  [Status.INVALID_ARGUMENT, 'no/such-code'],
  [Status.INVALID_ARGUMENT, '__proto__'],
];

/** The status with which a case's server ends the call in place of an orderly end. */
export function cutStatus({ number }: Case): CallStatus {
  const [code, ours] = CUTS[number % CUTS.length];
  const metadata = new Metadata();
  if (ours !== undefined) metadata.set(CODE_KEY, ours);
  // Longer than the client's patience in a case: it has to give up at once.
  metadata.set(RETRY_KEY, number % 2 ? '99999999' : 'soon');
  return { code, details: `\u001b]0;owned\u0007${'x'.repeat(number % 3 ? 10 : 3000)}`, metadata };
}

/** What a client makes of it. Over WebSocket a call without a code of ours breaks off. */
export function cutCode(attack: Case): SphynxErrorCode {
  const status = cutStatus(attack);
  if (attack.edge === 'grpc') return fromStatus(status).code;
  const ours = status.metadata.get(CODE_KEY).length > 0;
  return fromStatus({ ...status, code: ours ? Status.UNKNOWN : Status.CANCELLED }).code;
}
