import { SphynxError } from '../errors/sphynx-error.ts';

/** Returns the error for an aborted signal; a reason that is not a SphynxError becomes the cause. */
export function abortedBy(signal: AbortSignal): SphynxError {
  if (signal.reason instanceof SphynxError) return signal.reason;
  return new SphynxError('aborted', 'the caller aborted the operation', { cause: signal.reason });
}

/** Throws 'aborted' if the caller's signal has fired. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

/** Calls `stop` once when `signal` fires, or at once if it has fired; the returned function removes the listener. */
export function onAbort(signal: AbortSignal | undefined, stop: (error: SphynxError) => void): () => void {
  if (!signal) return () => {};
  const listener = () => stop(abortedBy(signal));
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
