import { after } from 'node:test';
import { pino } from 'pino';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../server/index.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { TestClient } from './test-client.ts';

/** Small enough that a bundle is prepared in a fraction of a second, with strides and two inputs per cell. */
export const network = randomModel({ C: 2, D: 2, reduceAt: [0], size: 8, classes: 10 });

/** A server on a free port that is gone when the test file is done, and clients of it. */
export async function runningServer(
  options: Partial<ServerOptions> = {},
): Promise<RunningServer & { client(token?: string): TestClient; readonly stateFolder: string }> {
  const stateFolder = options.stateFolder ?? temporaryFolder();
  const server = await startServer({
    address: '127.0.0.1:0',
    models: [network],
    stateFolder,
    logger: pino({ level: 'silent' }),
    ...options,
  });
  const clients: TestClient[] = [];
  after(async () => {
    for (const client of clients) client.close();
    await server.stop({ graceMs: 0 });
  });
  return {
    ...server,
    stateFolder,
    client(token) {
      const client = new TestClient(server.port, network, { token });
      clients.push(client);
      return client;
    },
  };
}
