/** The network of a measurement: `proxy-process.ts PORT PROFILE`, driven over IPC by `party.ts`. */
import { networkProfile } from './network/profiles.ts';
import { TcpProxy } from './network/tcp-proxy.ts';
import { answerParent } from './party.ts';

const [port, profile] = process.argv.slice(2);
const proxy = await TcpProxy.start(Number(port), networkProfile(profile));
answerParent({ port: proxy.port }, {}, () => proxy.stop());
