/** The client's secret in the origin private file system of a browser, and the tokens that come from it. */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { randomBytes } from '../../platform/random-bytes.ts';
import { BundleFile } from './bundle-files.ts';

const SECRET_BYTES = 16;

/** The name of the client's folder in the origin's file system. */
export function defaultStateFolder(): string {
  return 'sphynx';
}

/** Returns, as in Node, 128 bits in hex for the server at `address`, from a secret that is drawn on first use. */
export async function clientToken(stateFolder: string, address: string): Promise<string> {
  const secret = (await navigator.locks.request('sphynx-secret', () => clientSecret(stateFolder))) as string;
  const mac = hmac(sha256, hexToBytes(secret), utf8ToBytes(`client-token:${address}`));
  return bytesToHex(mac).slice(0, 32);
}

async function clientSecret(stateFolder: string): Promise<string> {
  const file = await BundleFile.hold(`${stateFolder}/client-secret`, { create: true });
  if (!file)
    throw new SphynxError('storage/failed', "the client's secret is in use by another tab; try again");
  try {
    const known = new Uint8Array(SECRET_BYTES);
    if (file.read(known, 0) === SECRET_BYTES) return bytesToHex(known);
    const fresh = randomBytes(SECRET_BYTES);
    file.write(fresh, 0);
    file.flush();
    return bytesToHex(fresh);
  } finally {
    file.release();
  }
}
