/** Largest number of bytes that one call of the system's CSPRNG returns. */
const MOST_BYTES = 65536;

/** Fresh random bytes from the system's CSPRNG, in Node and in browsers. */
export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += MOST_BYTES)
    crypto.getRandomValues(bytes.subarray(start, start + MOST_BYTES));
  return bytes;
}
