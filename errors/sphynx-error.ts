/**
 * The one error class of the project. `code` is stable and meant for programs; `message` says what was
 * expected, what came and what to do, and never holds anything secret. `cause` stays in the process: it is
 * for logs and is never sent to the peer.
 */
export class SphynxError extends Error {
  /** What happened, for programs: docs/errors.md lists the codes. */
  readonly code: SphynxErrorCode;
  /** When to try again (ms from now), if a limit determines this. */
  readonly retryAfterMs: number | undefined;

  /** @internal */
  constructor(code: SphynxErrorCode, message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, options);
    this.name = 'SphynxError';
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Stable codes, grouped by the floor that raises them. The gRPC status of each is in `transport/status.ts`. */
export type SphynxErrorCode =
  | 'kernels/missing' // the .wasm file is not built
  | 'kernels/memory' // a request beyond the kernel memory
  | 'crypto/input' // a caller's argument has the wrong length or range
  | 'crypto/parameters' // encryption parameters, keys or ciphertexts other than those that this version uses
  | 'model/format' // a model file that cannot be read
  | 'model/unsupported' // an operator or composition that the protocol cannot run
  | 'model/mismatch' // a model hash that is not the one agreed on
  | 'model/unknown' // no model of that name
  | 'protocol/format' // bytes that are no message
  | 'protocol/length' // a tensor or message whose length is not the plan's
  | 'protocol/order' // a message that does not belong at this point of the conversation
  | 'protocol/inconsistent' // a peer's oblivious transfers that contradict each other
  | 'protocol/closed' // the peer vanished
  | 'protocol/deadline' // the peer did not answer in time
  | 'bundle/unknown' // no such bundle, or somebody else's
  | 'bundle/spent' // a bundle that was used before
  | 'bundle/expired' // a bundle older than its lifetime
  | 'bundle/none' // the client holds no ready bundle
  | 'bundle/corrupt' // a bundle file that is damaged or incomplete
  | 'image/unreadable' // an image that cannot be decoded
  | 'input/invalid' // numbers that a model cannot take, or an input of another kind
  | 'server/busy' // a limit of the server is reached
  | 'quota/exceeded' // an identity has used up its inferences, preparations or bytes, for an hour or for good
  | 'server/stopping' // the server is shutting down
  | 'server/unreachable' // no connection to the server
  | 'identity/missing' // a call without proof of who makes it
  | 'identity/invalid' // a token or certificate that the server does not take
  | 'storage/failed' // disk full, permission denied and the like
  | 'config/invalid' // a wrong option
  | 'aborted' // the caller's AbortSignal fired
  | 'internal'; // a bug in sphynx-pi, on this side or the other

/** `error` as a SphynxError; anything else becomes code 'internal' with a message that discloses nothing. */
export function asSphynxError(error: unknown): SphynxError {
  if (error instanceof SphynxError) return error;
  return new SphynxError('internal', 'an internal error occurred; the log of this side tells more', {
    cause: error,
  });
}
