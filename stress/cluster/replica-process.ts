/** A server with records in Redis or in a folder: `replica-process.ts OPTIONS-JSON`, driven over IPC by `../party.ts`. */
import { pino } from 'pino';
import { benchModel } from '../../bench/model.ts';
import { answerParent } from '../../bench/party.ts';
import { type ServerLimits, startServer } from '../../server/index.ts';
import { tuneHeap } from '../../threads/node/heap.ts';

export interface ReplicaOptions {
  readonly model: string;
  /** Port; 0 for any free one. */
  readonly port: number;
  /** URL of the Redis with the records, or the folder that holds them. */
  readonly records: { readonly redis: string } | { readonly folder: string };
  /** File to which log lines are appended: each is written before the server continues, so that kill -9 loses none. */
  readonly log: string;
  readonly limits: Partial<ServerLimits>;
}

tuneHeap();
const { model, port, records, log, limits } = JSON.parse(process.argv[2]) as ReplicaOptions;
const server = await startServer({
  address: `127.0.0.1:${port}`,
  models: [await benchModel(model)],
  ...('redis' in records ? { redis: { url: records.redis } } : { stateFolder: records.folder }),
  limits,
  logger: pino({ level: 'info' }, pino.destination({ dest: log, sync: true })),
});
answerParent({ port: server.port }, {}, () => server.stop());
