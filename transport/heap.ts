import { setFlagsFromString } from 'node:v8';

/** Old space that V8 fills before its first full collection (MB): all that a server or client keeps on the heap fits. */
const OLD_SPACE_MB = 128;

/**
 * Tells V8's collector about the memory outside its heap. By default it begins a full collection whenever 64 MB of
 * arrays have been allocated since the last one, so several times per bundle and once per inference, 5 to 20 ms
 * each. For programs of our own: call it before anything else. A library leaves the flags to its program.
 */
export function tuneHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
  setFlagsFromString(`--initial-old-space-size=${OLD_SPACE_MB}`);
}
