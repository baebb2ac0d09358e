import { SphynxError } from '../../errors/sphynx-error.ts';
import { isLoopback } from '../listen.ts';

/**
 * Whether a page may call this server. Browsers name the origin of the page that opens a WebSocket, and nothing else
 * keeps a page of somebody else's from calling a server that its visitor reaches. Programs name none and may call.
 *
 * @param own of this server, from `ownOrigin`
 */
export function mayCall(
  origin: string | undefined,
  own: string | undefined,
  allowed: readonly string[],
): boolean {
  return origin === undefined || origin === own || allowed.includes(origin);
}

/**
 * The origin of the server itself as the request names it. With TLS the certificate vouches for the host. Without, a
 * stranger can give a name of theirs this server's address, and so the server's origin would be their page's: only
 * names of this machine count then.
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
