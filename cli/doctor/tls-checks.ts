/** Checks TLS between client and server, and explains failures that gRPC would only report as a missing connection. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Target, toPem } from '../../client/node/address.ts';
import type { Security } from '../../client/security.ts';
import { codeOf, type Finding } from './finding.ts';
import { STEP_MS } from './network-checks.ts';

/** Remaining validity of a certificate below which there is a warning (ms). */
const SOON_MS = 14 * 24 * 60 * 60 * 1000;

/** Checks the protection of the connection: the server's certificate, and the client's. */
export async function checkTls(target: Target, security: Security, signal: AbortSignal): Promise<Finding> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(STEP_MS)]);
  return target.encrypted ? checkEncrypted(target, security, limit) : checkPlain(target, limit);
}

/** On a plain connection, only checks whether the server uses TLS. */
async function checkPlain(target: Target, signal: AbortSignal): Promise<Finding> {
  const socket = await handshake(target, {}, signal).catch(() => undefined);
  socket?.destroy();
  if (socket)
    return failed(
      'the server uses TLS, and this client does not',
      'add --ca FILE, or --tls to trust the authorities of this machine',
    );
  return target.confidential
    ? ok('none, and the connection does not leave this machine')
    : ok(
        'none (--insecure)',
        'anyone on the network path can read tokens and change results: have the server use TLS',
      );
}

async function checkEncrypted(target: Target, { tls }: Security, signal: AbortSignal): Promise<Finding> {
  let socket: TLSSocket;
  try {
    socket = await handshake(target, tls, signal);
  } catch (error) {
    return handshakeFailure(error);
  }
  try {
    return (
      judgeServer(target.host, socket) ??
      (await judgeClient(socket, tls?.certificate, signal)) ??
      wellProtected(socket)
    );
  } finally {
    socket.destroy();
  }
}

/** Resolves when the client's side of the handshake is done; the peer's identity is checked elsewhere. */
async function handshake(
  { host, port }: Target,
  tls: Security['tls'],
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = connectTls({
    host,
    port,
    ca: toPem(tls?.ca),
    cert: toPem(tls?.certificate),
    key: toPem(tls?.key),
    servername: isIP(host) ? undefined : host,
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function handshakeFailure(error: unknown): Finding {
  const code = codeOf(error);
  if (/NO_APPLICATION_PROTOCOL/.test(code)) return notHttp2();
  if (/ALERT/.test(code))
    return failed(
      `the server aborted the handshake (${code})`,
      'see its log: it may accept only other versions or ciphers of TLS',
    );
  return failed(
    `there is no TLS on this port (${code})`,
    'start the server with --tls-cert and --tls-key; if only you use the network, connect with --insecure',
  );
}

/** Returns a problem with the server's certificate: authority, dates or name. */
function judgeServer(host: string, socket: TLSSocket): Finding | undefined {
  // This is an Error, or its code as text.
  const wrong: unknown = socket.authorizationError;
  const code = wrong instanceof Error ? codeOf(wrong) : wrong;
  if (!code) return undefined;
  const { valid_from: from, valid_to: to, subjectaltname: names } = socket.getPeerCertificate();
  if (Date.parse(to) < Date.now())
    return failed(
      `the server's certificate expired on ${to}`,
      "renew it; if it should be valid, set this machine's clock",
    );
  if (Date.parse(from) > Date.now())
    return failed(
      `the server's certificate is not valid before ${from}`,
      "set this machine's clock; if it is right, the authority's was wrong",
    );
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return failed(
      `an authority of the server's certificate is not valid today (${code})`,
      "renew the authority and the certificates that it issued, and check this machine's clock",
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failed(
      `the server's certificate is for ${names ?? 'no name'}, and not for ${host}`,
      'use one of its names in --server, or get a certificate for this one',
    );
  return failed(
    `no authority that is trusted here has signed the server's certificate (${code})`,
    'name the one that issued it: --ca FILE',
  );
}

/**
 * Checks the server's reaction to the client's certificate, or to its absence. With TLS 1.3 it arrives after the
 * handshake, in place of the server's first frame.
 */
async function judgeClient(
  socket: TLSSocket,
  certificate: Uint8Array | string | undefined,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  if (socket.alpnProtocol !== 'h2') return notHttp2();
  const session = connectHttp2('https://server', { createConnection: () => socket });
  // Ignores errors that arrive after the result.
  session.on('error', () => {});
  const closed = once(socket, 'close').then(() => Promise.reject(new Error('closed')));
  try {
    await Promise.race([once(session, 'remoteSettings', { signal }), closed]);
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ABORT_ERR')
      return failed('the server sends nothing after the handshake', 'is it a gRPC server? See its log');
    if (certificate === undefined)
      return failed(
        'the server demands a client certificate',
        'ask its operator for one: --cert FILE and --key FILE',
      );
    const { subject, validToDate } = new X509Certificate(toPem(certificate) as Buffer);
    const ended = validToDate.getTime() < Date.now();
    return failed(
      `the server does not accept the client certificate of ${subject.replaceAll('\n', ', ')}${ended ? `, which ended on ${validToDate.toUTCString()}` : ''}`,
      ended ? 'have it renewed' : 'ask the operator for one from an authority that the server trusts',
    );
  } finally {
    session.destroy();
  }
}

function wellProtected(socket: TLSSocket): Finding {
  const { valid_to: to, issuer } = socket.getPeerCertificate();
  const soon = Date.parse(to) - Date.now() < SOON_MS;
  return ok(
    `${socket.getProtocol()}, certificate by ${issuer?.CN ?? 'an unnamed authority'} until ${to}`,
    soon ? 'it expires soon: have it renewed' : undefined,
  );
}

function notHttp2(): Finding {
  return failed(
    'the server uses TLS, but not HTTP/2',
    'it is not a gRPC server, or a proxy is in front of it: check host and port',
  );
}

function ok(detail: string, remedy?: string): Finding {
  return { name: 'tls', state: 'ok', detail, remedy };
}

function failed(detail: string, remedy: string): Finding {
  return { name: 'tls', state: 'failed', detail, remedy };
}
