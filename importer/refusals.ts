import { SphynxError } from '../errors/sphynx-error.ts';

/** Returns the error for an operator that cannot be run, with only the reason; the composer names the node. */
export function unsupported(reason: string): SphynxError {
  return new SphynxError('model/unsupported', reason);
}

/** An operator is not exact on its inputs as they are composed; on tensors it may be. */
export class InexactError extends SphynxError {
  constructor(reason: string) {
    super('model/unsupported', reason);
  }
}

/** The result of an exact composition, or its reason as an error. */
export function exactly<Value extends object>(result: Value | string): Value {
  if (typeof result === 'string') throw new InexactError(result);
  return result;
}
