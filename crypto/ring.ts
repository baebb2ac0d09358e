/** Additive shares in Z_2^32 (docs/protocol.md, section 1): wrap-around words, little-endian on the wire. */
import { SphynxError } from '../errors/sphynx-error.ts';

/** a + b mod 2^32, element by element. Throws 'crypto/input' if the lengths differ. */
export function addShares(a: Uint32Array, b: Uint32Array): Uint32Array<ArrayBuffer> {
  checkLengths(a, b);
  const sum = new Uint32Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = a[i] + b[i];
  return sum;
}

/** a - b mod 2^32, element by element. Throws 'crypto/input' if the lengths differ. */
export function subtractShares(a: Uint32Array, b: Uint32Array): Uint32Array<ArrayBuffer> {
  checkLengths(a, b);
  const difference = new Uint32Array(a.length);
  for (let i = 0; i < difference.length; i++) difference[i] = a[i] - b[i];
  return difference;
}

/** The words as they go over the wire; shares their memory. */
export function wordsToBytes(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** Words from wire bytes; a copy, because received bytes may stand at any address. Throws 'crypto/input' if they are not whole words. */
export function bytesToWords(bytes: Uint8Array): Uint32Array {
  if (bytes.length % 4 !== 0)
    throw new SphynxError('crypto/input', `expected whole 32-bit words, got ${bytes.length} bytes`);
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

function checkLengths(a: Uint32Array, b: Uint32Array): void {
  if (a.length !== b.length)
    throw new SphynxError('crypto/input', `expected shares of equal length, got ${a.length} and ${b.length}`);
}
