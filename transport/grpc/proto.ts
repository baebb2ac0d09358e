import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClientDuplexStream, ClientUnaryCall, Metadata, ServiceError } from '@grpc/grpc-js';
import { type Client, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type * as wire from '../messages.ts';
import { reading } from '../readable.ts';
import { writing } from '../segment-in-place.ts';
import type { MessageType } from '../web/protobuf.ts';
import { CALLS, type CallName } from '../web/schema.ts';

/** The generated part of the transport: service definition and client class, read from the .proto at start. */

const FILE = 'sphynx/v1/private_inference.proto';

/** Full name of the service, as health checks and gRPC paths spell it. */
export const SERVICE_NAME = 'sphynx.v1.PrivateInference';

// The proto folder stands beside the sources, and beside `dist` once compiled.
const folder = ['../../proto/', '../../../proto/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path + FILE));

/** The full definitions of the .proto, for reflection. */
export const serviceDefinition = loadSync(FILE, {
  includeDirs: folder ? [folder] : [],
  longs: Number,
  defaults: true,
  oneofs: true,
});

/** For `Server.addService`. */
export const privateInferenceService = Object.fromEntries(
  Object.entries(serviceDefinition[SERVICE_NAME] as ServiceDefinition).map(([name, method]) => {
    const { request, response } = CALLS[name as CallName] as Record<'request' | 'response', MessageType>;
    return [
      name,
      {
        ...method,
        requestSerialize: writing(method.requestSerialize, request),
        requestDeserialize: reading(method.requestDeserialize),
        responseSerialize: writing(method.responseSerialize, response),
        responseDeserialize: reading(method.responseDeserialize),
      },
    ];
  }),
);

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: Date | number },
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

type Streaming<Requests, Responses> = (
  metadata: Metadata,
  options?: { deadline?: Date | number },
) => ClientDuplexStream<wire.OneOf<Requests>, wire.Received<Responses>>;

/** A gRPC client of the service. */
export interface PrivateInferenceClient extends Client {
  listModels: Unary<wire.ListModelsRequest, wire.ListModelsResponse>;
  getModelCard: Unary<wire.GetModelCardRequest, wire.GetModelCardResponse>;
  preprocess: Streaming<wire.PreprocessRequests, wire.PreprocessResponses>;
  infer: Streaming<wire.InferRequests, wire.InferResponses>;
}

/** The client class: `new PrivateInferenceClient(address, credentials, CLIENT_CHANNEL_OPTIONS)`. */
export const PrivateInferenceClient = makeGenericClientConstructor(
  privateInferenceService,
  SERVICE_NAME,
) as unknown as new (
  ...parameters: ConstructorParameters<typeof Client>
) => PrivateInferenceClient;
