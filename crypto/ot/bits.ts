/** Bytes 0 or 1 as bits, the first in the lowest bit of the first byte; zeros after the last. */
export function packBits(bits: Uint8Array, length: number): Uint8Array {
  const packed = new Uint8Array(length);
  for (let i = 0; i < bits.length; i++) packed[i >> 3] |= bits[i] << (i & 7);
  return packed;
}
