/**
 * A server in a process of its own, to be killed: `node server-process.ts FOLDER [PAGE WEB-PORT]`; its port goes over
 * IPC, with a page that of the page.
 */
import { pino } from 'pino';
import { startServer } from '../../server/index.ts';
import { network } from './running-server.ts';

const [, , stateFolder, page, atPort] = process.argv;
const { port, webPort } = await startServer({
  address: '127.0.0.1:0',
  models: [network],
  stateFolder,
  web: page === undefined ? undefined : { address: `127.0.0.1:${atPort}`, page },
  logger: pino({ level: 'silent' }),
});
process.send?.(webPort ?? port);
