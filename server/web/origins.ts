import { SphynxError } from '../../errors/sphynx-error.ts';
import { isLoopback } from '../listen.ts';

/**
 * Whether a page may call this server. Browsers send the origin of the page that opens a WebSocket; without this check,
 * any page could call a server that its visitor can reach. Programs send no origin and may call.
 *
 * @param own the server's own origin, from `ownOrigin`
 */
export function mayCall(
  origin: string | undefined,
  own: string | undefined,
  allowed: readonly string[],
): boolean {
  return origin === undefined || origin === own || allowed.includes(origin);
}

/**
 * Returns the server's own origin according to the request. With TLS the certificate authenticates the host. Without
 * TLS, an attacker could point their own domain name at this server, and the server's origin would then be that of
 * their page. Therefore only names of this machine are accepted without TLS.
 *
 * @param host the request's header
 */
export function ownOrigin(encrypted: boolean, host: string | undefined): string | undefined {
  if (encrypted) return `https://${host}`;
  const url = `http://${host}`;
  return URL.canParse(url) && isLoopback(`${new URL(url).hostname}:80`) ? url : undefined;
}

/** Throws 'config/invalid' unless every one is an origin as browsers write it: scheme and host, with a port if it is not the usual one. */
export function checkOrigins(origins: readonly string[]): void {
  for (const origin of origins)
    if (!/^https?:/.test(origin) || !URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new SphynxError(
        'config/invalid',
        `an origin is written as browsers do, such as https://app.example.org; got ${origin}`,
      );
}
