import { SphynxError } from '../../errors/sphynx-error.ts';

/** This machine, as a URL names it once it is parsed. */
const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/**
 * Checks the address of a server: `wss://HOST[:PORT]`, or `ws://` to this machine, where nobody reads or changes what is
 * sent. Nothing else may follow, because the names of calls are appended. Throws 'config/invalid'.
 */
export function checkAddress(address: string): void {
  if (!/^wss?:\/\/[^\s/\\?#@]+$/.test(address) || !URL.canParse(address))
    throw new SphynxError('config/invalid', `an address is wss://HOST:PORT; got "${address}"`);
  const { protocol, hostname } = new URL(address);
  if (protocol === 'ws:' && !LOOPBACK.test(hostname))
    throw new SphynxError(
      'config/invalid',
      `ws:// is for servers on this machine, because others could read and change what is sent; use wss:// for ${hostname}`,
    );
}
