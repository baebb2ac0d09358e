/** A server that plays the roles as it should, but says what a test wants around them. */
import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { randomSeed } from '../../crypto/prg.ts';
import { asSphynxError } from '../../errors/sphynx-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import { prepareServer } from '../../protocol/offline.ts';
import { inferServer } from '../../protocol/online.ts';
import { makePlan } from '../../protocol/plan.ts';
import { openServerSession } from '../../protocol/session.ts';
import { summarize } from '../../server/models.ts';
import { CallStream } from '../../transport/call-stream.ts';
import { GrpcChannel } from '../../transport/grpc-channel.ts';
import type {
  InferRequests,
  InferResponses,
  OneOf,
  PreprocessRequests,
  PreprocessResponses,
  Received,
} from '../../transport/messages.ts';
import { hostileServer } from './hostile-server.ts';

export type Served<In, Out> = CallStream<In, Out>;

/** What it does differently. */
export interface Play {
  /** Names the bundles; 128 random bits in hex otherwise. */
  readonly bundleId?: () => string;
  readonly lifetimeSeconds?: number;
  /** After the logits, in place of the end. */
  readonly afterLogits?: (stream: Served<InferRequests, InferResponses>) => Promise<void>;
  /** After the last bundle, in place of the end. */
  readonly afterBundles?: (stream: Served<PreprocessRequests, PreprocessResponses>) => Promise<void>;
}

/** Starts it and returns its address. Bundles may be spent as often as the client likes; `spends` lists them. */
export async function playingServer(
  network: FixedNetwork,
  play: Play = {},
): Promise<{ address: string; spends: string[] }> {
  const { card } = network;
  const plan = makePlan(card);
  const quote = { offlineBytes: 1, onlineBytes: 1, offlineProcessorMs: 0, expectedWaitMs: 0 };
  const secrets = new Map<string, BundleSecrets>();
  const spends: string[] = [];
  const { bundleId = () => randomBytes(16).toString('hex'), lifetimeSeconds = 60 } = play;
  const end = async (stream: { end(): void }) => stream.end();

  const preprocess = async (stream: Served<PreprocessRequests, PreprocessResponses>) => {
    await stream.expect('hello');
    await stream.send({ accepted: { session: 's', quote, bundleLifetimeSeconds: lifetimeSeconds } });
    const session = await openServerSession(new GrpcChannel(stream));
    while (await stream.expectOrEnd('begin')) {
      const [id, seed] = [bundleId(), randomSeed()];
      await stream.send({ offer: { bundleId: id, expiresAtMs: 0 } });
      await prepareServer(session, plan, network, new GrpcChannel(stream), seed);
      await stream.expect('commit');
      secrets.set(id, { seed, delta: session.ot.delta });
      await stream.send({ ready: { bundleId: id } });
    }
    await (play.afterBundles ?? end)(stream);
  };

  const infer = async (stream: Served<InferRequests, InferResponses>) => {
    const { bundleId: id } = await stream.expect('spend');
    spends.push(id);
    await stream.send({ spending: {} });
    await inferServer(plan, network, new GrpcChannel(stream), secrets.get(id) as BundleSecrets);
    await (play.afterLogits ?? end)(stream);
  };

  const address = await hostileServer({
    models: [summarize(card, quote)],
    card: {
      cardJson: JSON.stringify(card),
      modelHash: card.hash,
      planHash: plan.hash,
      quote,
      setting: plan.setting,
    },
    preprocess: (call: ServerDuplexStream<Received<PreprocessRequests>, OneOf<PreprocessResponses>>) => {
      const stream = CallStream.ofServer<PreprocessRequests, PreprocessResponses>(call);
      preprocess(stream).catch((error) => stream.abort(asSphynxError(error)));
    },
    infer: (call: ServerDuplexStream<Received<InferRequests>, OneOf<InferResponses>>) => {
      const stream = CallStream.ofServer<InferRequests, InferResponses>(call);
      infer(stream).catch((error) => stream.abort(asSphynxError(error)));
    },
  });
  return { address, spends };
}
