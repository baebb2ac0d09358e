/**
 * Memory of typed arrays, given back without waiting for the garbage collector. It does not see the size of what
 * lies outside its heap until much has piled up, and then stops the thread for 5 to 20 ms.
 */

/** Bytes of a buffer that its array may leave unused: what frames a message in front of its data. */
const SLACK_BYTES = 256;

/** Whether `array` has its buffer to itself. Node's pool of small buffers, shared memory and kernel memory are none of it. */
export function ownsBuffer(array: Uint8Array): array is Uint8Array<ArrayBuffer> {
  return array.buffer instanceof ArrayBuffer && array.buffer.byteLength - array.byteLength <= SLACK_BYTES;
}

/** Frees an array that nobody uses any more; it is empty afterwards. Does nothing if its buffer is not its own. */
export function release(array: Uint8Array): void {
  if (ownsBuffer(array)) array.buffer.transfer(0);
}
