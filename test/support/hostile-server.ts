/** A server that says what a test tells it to. */
import { after } from 'node:test';
import { type Metadata, Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { privateInferenceService } from '../../transport/grpc/proto.ts';
import type { GetModelCardResponse, ModelSummary } from '../../transport/messages.ts';

/** Answers of the short calls, and handlers of the streams. */
export interface Lies {
  readonly models?: readonly ModelSummary[];
  readonly card?: GetModelCardResponse;
  readonly preprocess?: UntypedServiceImplementation[string];
  readonly infer?: UntypedServiceImplementation[string];
  /** Sees the metadata of the short calls. */
  readonly onCall?: (metadata: Metadata) => void;
}

type Call = { readonly metadata: Metadata };
type Callback = (error: null, response: unknown) => void;

/** Starts it on a loopback port and returns its address; it is gone when the test file is done. */
export async function hostileServer({
  models = [],
  card,
  onCall = () => {},
  ...streams
}: Lies): Promise<string> {
  const server = new Server();
  server.addService(privateInferenceService, {
    listModels: ({ metadata }: Call, callback: Callback) => {
      onCall(metadata);
      callback(null, { models });
    },
    getModelCard: ({ metadata }: Call, callback: Callback) => {
      onCall(metadata);
      callback(null, card ?? {});
    },
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
