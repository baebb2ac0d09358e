import { X509Certificate } from 'node:crypto';
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { SphynxError } from '../errors/sphynx-error.ts';

/** How the connection is protected. */
export interface Security {
  /** TLS with these authorities (PEM) in place of the system's. `{}`: TLS with the system's. */
  readonly tls?: { readonly ca?: Uint8Array | string };
  /** Allows plaintext to another machine. */
  readonly insecure?: boolean;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Where gRPC connects to, and how. */
export interface Target {
  /** With its scheme: gRPC would read some host names as schemes of their own. */
  readonly uri: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/**
 * The target of an address. Plaintext never goes over the proxy of the environment, which would read it, and take
 * loopback addresses for its own. Throws 'config/invalid'.
 */
export function targetOf(address: string, security: Security): Target {
  const chosen = credentialsFor(address, security);
  return {
    uri: `dns:${address}`,
    credentials: chosen,
    options: chosen._isSecure() ? {} : { 'grpc.enable_http_proxy': 0 },
  };
}

/**
 * Credentials for `HOST:PORT` or `[HOST]:PORT`. TLS is used if `tls` is given and for every other machine;
 * plaintext for loopback, and elsewhere only if `insecure` says so: ciphertexts and shares are not
 * authenticated, so whoever can change bytes on the way can change results. Throws 'config/invalid'.
 */
function credentialsFor(address: string, { tls, insecure = false }: Security): ChannelCredentials {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65535)
    throw new SphynxError(
      'config/invalid',
      `an address is HOST:PORT, such as 127.0.0.1:50051; got "${address}"`,
    );
  if (tls && insecure)
    throw new SphynxError('config/invalid', 'choose TLS or plaintext (insecure), not both');
  if (!tls && (insecure || isLoopback(match[1] ?? match[2]))) return credentials.createInsecure();
  try {
    if (tls?.ca === undefined) return credentials.createSsl();
    const authority = Buffer.from(tls.ca as Uint8Array);
    // TLS would take anything, and then trust nobody without saying why.
    new X509Certificate(authority);
    return credentials.createSsl(authority);
  } catch (cause) {
    throw new SphynxError('config/invalid', 'the certificate authority is not readable PEM', { cause });
  }
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6');
  return host === 'localhost';
}
