/** A server that plays the roles as it should, but says what a test wants around them. */
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerHttp2Stream } from 'node:http2';
import { after } from 'node:test';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { randomSeed } from '../../crypto/prg.ts';
import { asSphynxError } from '../../errors/sphynx-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { Channel } from '../../protocol/channel.ts';
import { prepareServer } from '../../protocol/offline.ts';
import { inferServer } from '../../protocol/online.ts';
import { makePlan } from '../../protocol/plan.ts';
import type { Segment } from '../../protocol/segment.ts';
import { openServerSession } from '../../protocol/session.ts';
import { summarize } from '../../server/models.ts';
import type { CallStream } from '../../transport/call-stream.ts';
import { serverStream } from '../../transport/grpc/server-stream.ts';
import type {
  InferRequests,
  InferResponses,
  OneOf,
  PreprocessRequests,
  PreprocessResponses,
  Received,
} from '../../transport/messages.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';
import { hostileServer } from '../support/hostile-server.ts';

export type Served<In, Out> = CallStream<In, Out>;

/** What it does differently. */
export interface Play {
  /** Names the bundles; 128 random bits in hex otherwise. */
  readonly bundleId?: () => string;
  readonly lifetimeSeconds?: number;
  /** Changes what the server says online. */
  readonly tamper?: (segment: Segment) => Segment;
  /** After the logits, in place of the end. */
  readonly afterLogits?: (stream: Served<InferRequests, InferResponses>) => Promise<void>;
  /** After the last bundle, in place of the end. */
  readonly afterBundles?: (stream: Served<PreprocessRequests, PreprocessResponses>) => Promise<void>;
}

/** What the server has seen of one inference: each message, the end of the stream, and the code of its reset (0: none). */
export type Seen = string[];

/**
 * Starts it and returns its address. Bundles may be spent as often as the client likes; `spends` lists them, and `seen`
 * what each inference has said after its `spend`.
 */
export async function playingServer(
  network: FixedNetwork,
  play: Play = {},
): Promise<{ address: string; spends: string[]; seen: Seen[] }> {
  const { card } = network;
  const plan = makePlan(card);
  const quote = { offlineBytes: 1, onlineBytes: 1, offlineProcessorMs: 0, expectedWaitMs: 0 };
  const secrets = new Map<string, BundleSecrets>();
  const spends: string[] = [];
  const seen: Seen[] = [];
  const { bundleId = () => randomBytes(16).toString('hex'), lifetimeSeconds = 60 } = play;
  const end = async (stream: { end(): void }) => stream.end();

  const preprocess = async (stream: Served<PreprocessRequests, PreprocessResponses>) => {
    await stream.expect('hello');
    await stream.send({ accepted: { session: 's', quote, bundleLifetimeSeconds: lifetimeSeconds } });
    const session = await openServerSession(new StreamChannel(stream));
    while (await stream.expectOrEnd('begin')) {
      const [id, seed] = [bundleId(), randomSeed()];
      await stream.send({ offer: { bundleId: id, expiresAtMs: 0 } });
      await prepareServer(session, plan, network, new StreamChannel(stream), seed);
      await stream.expect('commit');
      secrets.set(id, { seed, delta: session.ot.delta });
      await stream.send({ ready: { bundleId: id } });
    }
    await (play.afterBundles ?? end)(stream);
  };

  const infer = async (stream: Served<InferRequests, InferResponses>, own: Seen) => {
    const { bundleId: id } = await stream.expect('spend');
    spends.push(id);
    await stream.send({ spending: {} });
    const channel = watched(new StreamChannel(stream), own, play.tamper);
    await inferServer(plan, network, channel, secrets.get(id) as BundleSecrets);
    await (play.afterLogits ?? end)(stream);
  };

  const opened: ServerHttp2Stream[] = [];
  const onStream = (message: unknown) => {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: Record<string, string> };
    const port = stream.session?.socket.localPort;
    if (address.endsWith(`:${port}`) && headers[':path'].endsWith('/Infer')) opened.push(stream);
  };
  subscribe('http2.server.stream.created', onStream);
  after(() => unsubscribe('http2.server.stream.created', onStream));

  const address: string = await hostileServer({
    models: [summarize(card, quote)],
    card: {
      cardJson: JSON.stringify(card),
      modelHash: card.hash,
      planHash: plan.hash,
      quote,
      setting: plan.setting,
    },
    preprocess: (call: ServerDuplexStream<Received<PreprocessRequests>, OneOf<PreprocessResponses>>) => {
      const stream = serverStream<PreprocessRequests, PreprocessResponses>(call);
      preprocess(stream).catch((error) => stream.abort(asSphynxError(error)));
    },
    infer: (call: ServerDuplexStream<Received<InferRequests>, OneOf<InferResponses>>) => {
      const stream = serverStream<InferRequests, InferResponses>(call);
      const own: Seen = [];
      seen.push(own);
      const http2 = opened.shift() as ServerHttp2Stream;
      call.on('end', () => own.push('end'));
      http2.once('close', () => own.push(`reset code ${http2.rstCode}`));
      infer(stream, own).catch((error) => stream.abort(asSphynxError(error)));
    },
  });
  return { address, spends, seen };
}

/** A channel that writes down what comes in, and lets a test change what goes out. */
function watched(channel: Channel, seen: Seen, tamper: Play['tamper'] = (segment) => segment): Channel {
  return {
    send: (segment) => channel.send(tamper(segment)),
    async receive() {
      const segment = await channel.receive();
      const { kind, layer, offset, data } = segment;
      seen.push(`${kind} ${layer} at ${offset}: ${data.length} bytes`);
      return segment;
    },
  };
}
