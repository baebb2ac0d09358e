/** Synchronous digests: Web Crypto's are asynchronous, and the protocol needs them at once. */
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Returns SHA-256 over the concatenated parts; texts are encoded as UTF-8. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = nobleSha256.create();
  for (const part of parts) hash.update(typeof part === 'string' ? utf8ToBytes(part) : part);
  return hash.digest();
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256Hex(...parts: readonly (string | Uint8Array)[]): string {
  return bytesToHex(sha256(...parts));
}

/** HKDF-SHA-256 without salt (RFC 5869): `length` bytes for the purpose `info`. */
export function hkdf(key: Uint8Array, info: string, length: number): Uint8Array {
  return nobleHkdf(nobleSha256, key, undefined, utf8ToBytes(info), length);
}
