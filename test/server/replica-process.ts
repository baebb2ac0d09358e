/** One of several servers that share records: `node replica-process.ts REDIS-URL`. Its port and log lines go over IPC. */
import { pino } from 'pino';
import { startServer } from '../../server/index.ts';
import { network } from './running-server.ts';

const server = await startServer({
  address: '127.0.0.1:0',
  models: [network],
  redis: { url: process.argv[2] },
  identity: { anonymous: true },
  logger: pino({ level: 'info' }, { write: (line: string) => process.send?.({ line: JSON.parse(line) }) }),
});
process.on('SIGTERM', async () => {
  await server.stop({ graceMs: 5000 });
  process.exit();
});
process.on('disconnect', () => process.exit());
process.send?.({ port: server.port });
