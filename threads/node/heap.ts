import { setFlagsFromString } from 'node:v8';

/**
 * Size of each thread's heap, external memory included, before its first full collection (MB). A thread's data between
 * two bundles fit; more would only delay the collection of garbage.
 */
const OLD_SPACE_MB = 16;

/** Half of a thread's young space (MB). By default V8 grows it to 16 over hundreds of inferences, without a gain. */
const SEMI_SPACE_MB = 2;

/**
 * Makes V8's collector account for the memory outside its heap. By default it begins a full collection whenever 64 MB
 * of arrays have been allocated since the last one: several times per bundle and once per inference, 5 to 20 ms each.
 * Only our own programs call this, before anything else; the library leaves the flags to the application.
 */
export function tuneHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--initial-old-space-size=${OLD_SPACE_MB}`);
  setFlagsFromString(`--min-semi-space-size=${SEMI_SPACE_MB}`);
  setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MB}`);
  // The sizes are read when a thread starts, so the young space of this thread does not change.
  setFlagsFromString('--semi-space-growth-factor=1');
}
