/** A server in a process of its own, to be killed: `node server-process.ts FOLDER`; its port goes over IPC. */
import { pino } from 'pino';
import { startServer } from '../../server/index.ts';
import { network } from './running-server.ts';

const { port } = await startServer({
  address: '127.0.0.1:0',
  models: [network],
  stateFolder: process.argv[2],
  logger: pino({ level: 'silent' }),
});
process.send?.(port);
