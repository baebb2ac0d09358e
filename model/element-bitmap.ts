/**
 * Sets of elements of a layer that have no ReLU: the linear ones, which lost it to selective linearization (Cho, Joshi,
 * Reagen, Garg, Hegde, ICML 2022), and the squares. In memory a set is one flag per element, 1 for members, or null if
 * it is empty; in a model card it is a bitmap in base64, with element i at bit i mod 8, counted from the lowest, of
 * byte i >> 3.
 */

/** Returns the bitmap of flags [elements]; null if none is set. */
export function bitmapOf(flags: Uint8Array | null): string | null {
  if (!flags?.includes(1)) return null;
  const bits = new Uint8Array(bitmapBytes(flags.length));
  for (let i = 0; i < flags.length; i++) bits[i >> 3] |= flags[i] << (i & 7);
  return toBase64(bits);
}

/** Returns the flags [elements] in a bitmap. */
export function flagsOf(bitmap: string | null, elements: number): Uint8Array | null {
  if (bitmap === null) return null;
  const bits = fromBase64(bitmap);
  const flags = new Uint8Array(elements);
  for (let i = 0; i < elements; i++) flags[i] = (bits[i >> 3] >> (i & 7)) & 1;
  return flags;
}

/** Counts the flags that are set in a bitmap. */
export function countFlags(bitmap: string | null): number {
  let count = 0;
  for (let byte of bitmap === null ? [] : fromBase64(bitmap)) for (; byte > 0; byte &= byte - 1) count++;
  return count;
}

/** Whether no element is set in both bitmaps, which are of the same elements. */
export function areDisjoint(left: string, right: string): boolean {
  const others = fromBase64(right);
  return fromBase64(left).every((byte, i) => (byte & others[i]) === 0);
}

/** Whether an untrusted text is a canonical bitmap: padding bits are zero, and at least one flag is set. */
export function isBitmap(text: string, elements: number): boolean {
  const length = bitmapBytes(elements);
  if (text.length !== 4 * Math.ceil(length / 3) || !BASE64.test(text)) return false;
  const bits = fromBase64(text);
  const padding = 8 * length - elements;
  return (
    bits.length === length &&
    toBase64(bits) === text &&
    bits[length - 1] >> (8 - padding) === 0 &&
    bits.some((byte) => byte !== 0)
  );
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(bytes[i]);
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

function bitmapBytes(elements: number): number {
  return Math.ceil(elements / 8);
}
