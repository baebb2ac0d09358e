/** The server of a measurement: `server-process.ts MODEL STATE-FOLDER SETTING`, driven over IPC by `party.ts`. */
import { pino } from 'pino';
import type { LabelEncoding } from '../protocol/label-encoding.ts';
import { startServer } from '../server/index.ts';
import { tuneHeap } from '../threads/node/heap.ts';
import { benchModel } from './model.ts';
import { answerParent } from './party.ts';

tuneHeap();
const [model, stateFolder, setting] = process.argv.slice(2);
const server = await startServer({
  address: '127.0.0.1:0',
  models: [await benchModel(model)],
  stateFolder,
  setting: setting as LabelEncoding,
  logger: pino({ level: 'warn' }, pino.destination(2)),
});
answerParent({ port: server.port }, {}, () => server.stop());
