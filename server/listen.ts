import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { SphynxError } from '../errors/sphynx-error.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

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

/** Whether only this machine reaches `address`. Throws 'config/invalid'. */
export function isLoopback(address: string): boolean {
  const host = hostOf(address);
  if (isIPv4(host)) return LOOPBACK.check(host, 'ipv4');
  if (isIPv6(host)) return LOOPBACK.check(host, 'ipv6');
  return host === 'localhost';
}
