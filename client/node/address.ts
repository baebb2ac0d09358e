import { X509Certificate } from 'node:crypto';
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { checkServerIdentity, createSecureContext } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Security } from '../security.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** The target of a gRPC connection and its protection. */
export interface Target {
  /** Address with its scheme: without it gRPC would read some host names as schemes. */
  readonly uri: string;
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  readonly host: string;
  readonly port: number;
  /** Whether the connection is made with TLS. */
  readonly encrypted: boolean;
  /** Whether nobody but the server reads what is sent: TLS, or no network at all. */
  readonly confidential: boolean;
}

/**
 * Returns the target of an address. Plaintext never goes over the proxy of the environment, which could read it and
 * would resolve loopback addresses to itself. Throws 'config/invalid'.
 */
export function targetOf(address: string, security: Security): Target {
  const { host, port } = parse(address);
  const chosen = credentialsFor(host, security);
  const encrypted = chosen._isSecure();
  return {
    uri: `dns:${address}`,
    credentials: chosen,
    options: encrypted ? {} : { 'grpc.enable_http_proxy': 0 },
    host,
    port,
    encrypted,
    confidential: encrypted || isLoopback(host),
  };
}

/** `HOST:PORT` or `[HOST]:PORT`. */
function parse(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65535)
    throw new SphynxError(
      'config/invalid',
      `an address is HOST:PORT, such as 127.0.0.1:50051; got "${address}"`,
    );
  return { host: match[1] ?? match[2], port };
}

/**
 * Credentials for a host. TLS is used if `tls` is given and for every other machine; plaintext for loopback, and
 * elsewhere only with `insecure`: ciphertexts and shares are not authenticated, so anyone who can change bytes on the
 * way can change results. Throws 'config/invalid'.
 */
function credentialsFor(host: string, { tls, insecure = false }: Security): ChannelCredentials {
  if (tls && insecure)
    throw new SphynxError('config/invalid', 'choose TLS or plaintext (insecure), not both');
  if (!tls && (insecure || isLoopback(host))) return credentials.createInsecure();
  const { ca, certificate, key } = tls ?? {};
  if ((certificate === undefined) !== (key === undefined))
    throw new SphynxError('config/invalid', 'a client certificate needs its private key, and vice versa');
  try {
    const [authority, chain, secret] = [ca, certificate, key].map(toPem);
    // TLS would accept anything here, and then trust nobody without naming the cause.
    if (authority) new X509Certificate(authority);
    createSecureContext({ cert: chain, key: secret });
    const pem = [authority ?? null, secret ?? null, chain ?? null] as const;
    return isIP(host) === 0
      ? credentials.createSsl(...pem)
      : withoutName(
          credentials.createSsl(...pem, {
            checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
          }),
        );
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      'the certificate authority, or the client certificate and its key, are not valid PEM or do not match',
      { cause },
    );
  }
}

/**
 * Omits the server name in TLS for IP addresses: RFC 6066 does not allow them there, gRPC would send them, and Node
 * would warn. `credentials` must check the certificate's identity themselves.
 */
function withoutName(credentials: ChannelCredentials): ChannelCredentials {
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...given) => {
    const connector = create(...given) as ReturnType<typeof create> & {
      connectionOptions?: { servername?: string };
    };
    delete connector.connectionOptions?.servername;
    return connector;
  };
  return credentials;
}

/** Converts PEM to the form that Node's TLS takes. */
export function toPem(content: Uint8Array | string | undefined): Buffer | undefined {
  return content === undefined ? undefined : Buffer.from(content as Uint8Array);
}

function isLoopback(host: string): boolean {
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6');
  return host === 'localhost';
}
