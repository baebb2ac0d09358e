/** One of several servers that share records: `node replica-process.ts REDIS-URL`. Its port and log lines go over IPC. */
import { pino } from 'pino';
import { startServer } from '../../server/index.ts';
import { network } from '../support/running-server.ts';

/** Longer than the test's balancer takes to find out. */
const DRAIN_MS = 500;

/** Longer than a bundle takes on a machine that is busy with other tests. */
const GRACE_MS = 120_000;

const server = await startServer({
  address: '127.0.0.1:0',
  models: [network],
  redis: { url: process.argv[2] },
  identity: { anonymous: true },
  logger: pino({ level: 'info' }, { write: (line: string) => process.send?.({ line: JSON.parse(line) }) }),
});
process.on('SIGTERM', async () => {
  await server.stop({ drainMs: DRAIN_MS, graceMs: GRACE_MS });
  process.exit();
});
process.on('disconnect', () => process.exit());
process.send?.({ port: server.port });
