/** The server of a measurement: `server-process.ts MODEL STATE-FOLDER`, driven over IPC by `party.ts`. */
import { pino } from 'pino';
import { startServer } from '../server/index.ts';
import { tuneHeap } from '../transport/heap.ts';
import { benchModel } from './model.ts';
import { answerParent } from './party.ts';

tuneHeap();
const [model, stateFolder] = process.argv.slice(2);
const server = await startServer({
  address: '127.0.0.1:0',
  models: [await benchModel(model)],
  stateFolder,
  logger: pino({ level: 'warn' }, pino.destination(2)),
});
answerParent({ port: server.port }, {}, () => server.stop());
