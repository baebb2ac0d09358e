/** Converts failures to gRPC statuses. */
import { Metadata } from '@grpc/grpc-js';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { refusalOf } from '../status.ts';
import type { StatusCode } from '../status-codes.ts';

export interface CallStatus {
  readonly code: StatusCode;
  readonly details: string;
  readonly metadata: Metadata;
}

/** Returns `error` as a status for the peer: code and message, never the cause. */
export function toStatus(error: SphynxError): CallStatus {
  const { code, details, metadata: pairs } = refusalOf(error);
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(pairs)) metadata.set(key, value);
  return { code, details, metadata };
}
