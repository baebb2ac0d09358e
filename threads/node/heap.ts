import { setFlagsFromString } from 'node:v8';

/**
 * Old space that each thread's heap fills before its first full collection (MB), whatever lies outside it included:
 * what a thread keeps between two bundles fits. More only delays the collection of garbage.
 */
const OLD_SPACE_MB = 16;

/** Half of a thread's young space (MB). V8's own grows step by step to 16, over hundreds of inferences, and gains nothing. */
const SEMI_SPACE_MB = 2;

/**
 * Tells V8's collector about the memory outside its heap. By default it begins a full collection whenever 64 MB of
 * arrays have been allocated since the last one, so several times per bundle and once per inference, 5 to 20 ms
 * each. For programs of our own: call it before anything else. A library leaves the flags to its program.
 */
export function tuneHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--initial-old-space-size=${OLD_SPACE_MB}`);
  setFlagsFromString(`--min-semi-space-size=${SEMI_SPACE_MB}`);
  setFlagsFromString(`--max-semi-space-size=${SEMI_SPACE_MB}`);
  // The sizes are read when a thread starts, so not by this one: its young space stays as it is.
  setFlagsFromString('--semi-space-growth-factor=1');
}
