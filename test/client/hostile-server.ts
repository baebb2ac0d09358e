/** A server that says what a test tells it to. */
import { after } from 'node:test';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { GetModelCardResponse, ModelSummary } from '../../transport/messages.ts';
import { privateInferenceService } from '../../transport/proto.ts';

/** Answers of the short calls, and handlers of the streams. */
export interface Lies {
  readonly models?: readonly ModelSummary[];
  readonly card?: GetModelCardResponse;
  readonly preprocess?: UntypedServiceImplementation[string];
  readonly infer?: UntypedServiceImplementation[string];
}

type Callback = (error: null, response: unknown) => void;

/** Starts it on a loopback port and returns its address; it is gone when the test file is done. */
export async function hostileServer({ models = [], card, ...streams }: Lies): Promise<string> {
  const server = new Server();
  server.addService(privateInferenceService, {
    listModels: (_call: unknown, callback: Callback) => callback(null, { models }),
    getModelCard: (_call: unknown, callback: Callback) => callback(null, card ?? {}),
    ...streams,
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}
