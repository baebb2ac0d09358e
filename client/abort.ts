import { SphynxError } from '../errors/sphynx-error.ts';

/** The caller's AbortSignal as an error of ours; another reason becomes the cause. */
export function abortedBy(signal: AbortSignal): SphynxError {
  if (signal.reason instanceof SphynxError) return signal.reason;
  return new SphynxError('aborted', 'the caller aborted the operation', { cause: signal.reason });
}

/** Throws 'aborted' if the caller's signal has fired. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

/** Calls `stop` once when `signal` fires, at once if it has; the returned function takes the listener away. */
export function onAbort(signal: AbortSignal | undefined, stop: (error: SphynxError) => void): () => void {
  if (!signal) return () => {};
  const listener = () => stop(abortedBy(signal));
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
