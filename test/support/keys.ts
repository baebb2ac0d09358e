/** Keys, tokens and files for tests of who may call. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Credentials } from '../../server/identity/identification.ts';
import type { TlsFiles } from '../../server/identity/tls-credentials.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const ISSUER = 'https://login.example';
export const AUDIENCE = 'sphynx';

/** A call that shows this token and this certificate. */
export function callWith(token?: string, certificate?: { raw: Uint8Array; valid_to: string }): Credentials {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return { metadata, getAuthContext: () => ({ sslPeerCertificate: certificate }) };
}

/** A file of this content in a folder of its own. */
export function fileOf(content: string, name = 'file'): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** An authority of JSON Web Tokens: its public keys, and tokens of it. */
export async function jwtAuthority(kid = 'first') {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256' }] });
  const sign = (claims: object = {}, header: object = {}) =>
    new SignJWT({ iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: inSeconds(60), ...claims })
      .setProtectedHeader({ alg: 'ES256', kid, ...header })
      .sign(privateKey);
  return { jwks, sign };
}

/** Seconds since the epoch. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** Writes a pair where a server reads it. */
export function tlsFiles(
  pair: { certificate: string; key: string },
  more: Partial<TlsFiles> = {},
  folder = temporaryFolder(),
): TlsFiles {
  const files = { certificate: join(folder, 'server.pem'), key: join(folder, 'server-key.pem') };
  writeFileSync(files.certificate, pair.certificate);
  writeFileSync(files.key, pair.key);
  return { ...files, ...more };
}
