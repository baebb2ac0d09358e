import { SphynxError } from '../../errors/sphynx-error.ts';

/**
 * Whether a page may call this server. Browsers name the origin of the page that opens a WebSocket, and nothing else
 * keeps a page of somebody else's from calling a server that its visitor reaches. Programs name none and may call.
 *
 * @param own the server's own origin as the request names it: `https://HOST[:PORT]`
 */
export function mayCall(origin: string | undefined, own: string, allowed: readonly string[]): boolean {
  return origin === undefined || origin === own || allowed.includes(origin);
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
