import { credentials, Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { CallStream } from '../../transport/call-stream.ts';
import { CLIENT_CHANNEL_OPTIONS, SHARED_CHANNEL_OPTIONS } from '../../transport/grpc/channel-options.ts';
import { PrivateInferenceClient, privateInferenceService } from '../../transport/grpc/proto.ts';
import { serverStream } from '../../transport/grpc/server-stream.ts';
import type { InferRequests, InferResponses, OneOf, Received } from '../../transport/messages.ts';

export type ServerStream = CallStream<InferRequests, InferResponses>;
export type ClientStream = CallStream<InferResponses, InferRequests>;

/** One Infer call over real sockets: both ends as streams, for tests of the transport alone. */
export interface Loopback {
  readonly client: ClientStream;
  readonly server: ServerStream;
  /** The raw gRPC call of the client, to misbehave with. */
  readonly call: ReturnType<PrivateInferenceClient['infer']>;
  readonly clientConnection: PrivateInferenceClient;
  close(): void;
}

export async function loopback(options: { idleMs?: number } = {}): Promise<Loopback> {
  const server = new Server(SHARED_CHANNEL_OPTIONS);
  const accepted = Promise.withResolvers<ServerStream>();
  server.addService(privateInferenceService, {
    infer: (call: ServerDuplexStream<Received<InferRequests>, OneOf<InferResponses>>) =>
      accepted.resolve(serverStream<InferRequests, InferResponses>(call, options)),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  // Larger limits than ours, as a hostile client would have.
  const clientConnection = new PrivateInferenceClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    ...CLIENT_CHANNEL_OPTIONS,
    'grpc.max_send_message_length': -1,
  });
  const call = clientConnection.infer(new Metadata());
  const client = CallStream.ofClient<InferResponses, InferRequests>(call, options);
  await client.send({ spend: { bundleId: 'b', model: 'm', modelHash: 'h', planHash: 'p' } });
  return {
    client,
    server: await accepted.promise,
    call,
    clientConnection,
    close: () => {
      clientConnection.close();
      server.forceShutdown();
    },
  };
}
