/** The network of a measurement: `proxy-process.ts PORT PROFILE`, driven over IPC by `party.ts`. */

import { networkProfile } from '../transport/network-profiles.ts';
import { startNetem } from './network/netem.ts';
import { TcpProxy } from './network/tcp-proxy.ts';
import { answerParent } from './party.ts';

/**
 * The port at which the client reaches the server through the network, and what emulates it: the kernel if possible.
 */
export interface Emulated {
  readonly port: number;
  readonly by: 'netem' | 'proxy';
}

const port = Number(process.argv[2]);
const profile = networkProfile(process.argv[3]);
// Ending by exit() removes netem from the kernel.
process.on('SIGTERM', () => process.exit());
if (startNetem(port, profile)) answerParent({ port, by: 'netem' } satisfies Emulated, {}, async () => {});
else {
  const proxy = await TcpProxy.start(port, profile);
  answerParent({ port: proxy.port, by: 'proxy' } satisfies Emulated, {}, () => proxy.stop());
}
