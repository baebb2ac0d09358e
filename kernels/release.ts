/**
 * Memory of typed arrays, given back without waiting for the garbage collector, which does not see the size of what
 * lies outside its heap until much has piled up, and then stops the thread for 5 to 20 ms.
 */

/** Bytes of a buffer that its array may leave unused, such as the frame of a message in front of its data. */
const SLACK_BYTES = 256;

/** Whether `array` has its buffer to itself, unlike one in Node's pool of small buffers, shared or kernel memory. */
export function ownsBuffer(array: Uint8Array): array is Uint8Array<ArrayBuffer> {
  return array.buffer instanceof ArrayBuffer && array.buffer.byteLength - array.byteLength <= SLACK_BYTES;
}

declare const OWNED: unique symbol;

/**
 * Bytes that nobody but their holder uses, so that it may free them or give them away. A function that takes them
 * consumes them, with everything in their buffer: the caller must not touch them again.
 */
export type OwnedBytes = Uint8Array & { readonly [OWNED]: true };

/** Declares that nobody else uses `bytes`, nor the caller once it has given them away. */
export function owned(bytes: Uint8Array): OwnedBytes {
  return bytes as OwnedBytes;
}

/** A copy of `bytes`, in a buffer of its own. */
export function ownedCopy(bytes: Uint8Array): OwnedBytes {
  return owned(new Uint8Array(bytes));
}

/** Frees an array that nobody uses any more; it is empty afterwards. Does nothing if its buffer is not its own. */
export function release(array: OwnedBytes): void {
  if (ownsBuffer(array)) array.buffer.transfer(0);
}
