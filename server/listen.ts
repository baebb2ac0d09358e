import { readFileSync } from 'node:fs';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { SphynxError } from '../errors/sphynx-error.ts';

/** PEM files of the server's certificate chain and its private key. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * How the server at `address` proves itself. Without TLS only the loopback interface is served unless
 * `insecure` says otherwise: ciphertexts and shares are not authenticated, so whoever can change bytes on the
 * way can change results. Throws 'config/invalid'.
 */
export function credentialsFor(
  address: string,
  { tls, insecure = false }: { tls?: TlsFiles; insecure?: boolean },
): ServerCredentials {
  const host = hostOf(address);
  if (tls) return tlsCredentials(tls);
  if (!insecure && !isLoopback(host))
    throw new SphynxError(
      'config/invalid',
      `${address} can be reached from other machines, and there is no TLS: give a certificate and a key, or allow plaintext expressly`,
    );
  return ServerCredentials.createInsecure();
}

/** Binds the server to `host:port` (port 0: any free one) and returns the port. Throws 'config/invalid'. */
export async function listen(
  server: Server,
  address: string,
  credentials: ServerCredentials,
): Promise<number> {
  return new Promise((resolve, reject) =>
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause)
        reject(
          new SphynxError('config/invalid', `cannot listen on ${address}: is the port in use?`, { cause }),
        );
      else resolve(port);
    }),
  );
}

/** The host of `host:port` or `[host]:port`. Throws 'config/invalid' for anything else. */
function hostOf(address: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65535)
    throw new SphynxError(
      'config/invalid',
      `an address is HOST:PORT, such as 127.0.0.1:50051; got ${address}`,
    );
  return match[1] ?? match[2];
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6');
  return host === 'localhost';
}

function tlsCredentials({ certificate, key }: TlsFiles): ServerCredentials {
  try {
    // gRPC would report a key that does not fit only when it binds, and not as what it is.
    const pair = { cert_chain: readFileSync(certificate), private_key: readFileSync(key) };
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
    return ServerCredentials.createSsl(null, [pair]);
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      `cannot use the TLS files ${certificate} and ${key}: are they readable PEM?`,
      {
        cause,
      },
    );
  }
}
