/** A client with no storage and no worker, for tests of the server: it can be polite or stop anywhere. */
import { randomBytes } from 'node:crypto';
import { credentials, Metadata } from '@grpc/grpc-js';
import type { FixedNetwork } from '../../model/network.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { prepareClient } from '../../protocol/offline.ts';
import { inferClient } from '../../protocol/online.ts';
import { makePlan, type Plan } from '../../protocol/plan.ts';
import { type ClientSession, closeSession, openClientSession } from '../../protocol/session.ts';
import { CallStream } from '../../transport/call-stream.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { CLIENT_CHANNEL_OPTIONS } from '../../transport/grpc/channel-options.ts';
import { PrivateInferenceClient } from '../../transport/grpc/proto.ts';
import type {
  InferRequests,
  InferResponses,
  PreprocessRequests,
  PreprocessResponses,
} from '../../transport/messages.ts';
import { fromStatus } from '../../transport/status.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';

export type PreprocessStream = CallStream<PreprocessResponses, PreprocessRequests>;
export type InferStream = CallStream<InferResponses, InferRequests>;

export interface ClientBundle {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export class TestClient {
  readonly plan: Plan;
  readonly connection: PrivateInferenceClient;
  readonly #metadata = new Metadata();
  readonly #network: FixedNetwork;

  constructor(
    port: number,
    network: FixedNetwork,
    options: {
      token?: string;
      bearer?: string;
      credentials?: ReturnType<typeof credentials.createSsl>;
      keepaliveMs?: number;
    } = {},
  ) {
    this.#network = network;
    this.plan = makePlan(network.card);
    this.#metadata.set(CLIENT_KEY, options.token ?? randomBytes(16).toString('hex'));
    if (options.bearer !== undefined) this.#metadata.set('authorization', `Bearer ${options.bearer}`);
    this.connection = new PrivateInferenceClient(
      `localhost:${port}`,
      options.credentials ?? credentials.createInsecure(),
      options.keepaliveMs === undefined
        ? CLIENT_CHANNEL_OPTIONS
        : { ...CLIENT_CHANNEL_OPTIONS, 'grpc.keepalive_time_ms': options.keepaliveMs },
    );
  }

  /** What hello and spend say about the model. */
  get model() {
    const { card } = this.#network;
    return { model: card.name, modelHash: card.hash, planHash: this.plan.hash };
  }

  /** A unary call as a promise. */
  unary<Response>(
    call: (metadata: Metadata, done: (error: unknown, response: Response) => void) => unknown,
  ): Promise<Response> {
    return new Promise((resolve, reject) =>
      call(this.#metadata, (error, response) =>
        error ? reject(fromStatus(error as Parameters<typeof fromStatus>[0])) : resolve(response),
      ),
    );
  }

  preprocess(metadata = this.#metadata): PreprocessStream {
    return CallStream.ofClient(this.connection.preprocess(metadata));
  }

  infer(): InferStream {
    return CallStream.ofClient(this.connection.infer(this.#metadata));
  }

  /** Says hello and opens the session. */
  async openSession(count: number): Promise<{ stream: PreprocessStream; session: ClientSession }> {
    const stream = this.preprocess();
    await stream.send({ hello: { ...this.model, count } });
    await stream.expect('accepted');
    return { stream, session: await openClientSession(new StreamChannel(stream)) };
  }

  /** Runs one bundle up to its commit. */
  async prepareUncommitted(stream: PreprocessStream, session: ClientSession): Promise<ClientBundle> {
    await stream.send({ begin: {} });
    const { bundleId } = await stream.expect('offer');
    const sink = new MemoryBundle();
    await prepareClient(session, this.plan, new StreamChannel(stream), sink);
    return { id: bundleId, bytes: sink.bytes };
  }

  /** Prepares `count` bundles on one stream. */
  async prepare(count = 1): Promise<ClientBundle[]> {
    const { stream, session } = await this.openSession(count);
    const bundles: ClientBundle[] = [];
    for (let i = 0; i < count; i++) {
      const bundle = await this.prepareUncommitted(stream, session);
      await stream.send({ commit: { bundleId: bundle.id } });
      await stream.expect('ready');
      bundles.push(bundle);
    }
    closeSession(session);
    stream.end();
    return bundles;
  }

  /** Opens an Infer call and waits until the server has spent the bundle. */
  async spend(id: string, changes: Partial<InferRequests['spend']> = {}): Promise<InferStream> {
    const stream = this.infer();
    await stream.send({ spend: { bundleId: id, ...this.model, ...changes } });
    await stream.expect('spending');
    return stream;
  }

  /** The rest of an inference whose bundle is spent. */
  async finish(stream: InferStream, bundle: ClientBundle, image: Int32Array): Promise<Int32Array> {
    const source = new MemoryBundle();
    source.write(bundle.bytes);
    const { logits } = await inferClient(this.plan, new StreamChannel(stream), source, image);
    return logits;
  }

  async classify(bundle: ClientBundle, image: Int32Array): Promise<Int32Array> {
    return this.finish(await this.spend(bundle.id), bundle, image);
  }

  close(): void {
    this.connection.close();
  }
}
