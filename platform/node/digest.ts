import { createHash, createSecretKey, hkdfSync } from 'node:crypto';

/** Returns SHA-256 over the concatenated parts; texts are encoded as UTF-8. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** HKDF-SHA-256 without salt (RFC 5869): `length` bytes for the purpose `info`. */
export function hkdf(key: Uint8Array, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', createSecretKey(key), new Uint8Array(0), info, length));
}
