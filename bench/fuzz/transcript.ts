import { randomSeed } from '../../crypto/prg.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { randomImage } from '../../model/random.ts';
import type { BundleSink, BundleSource } from '../../protocol/bundle.ts';
import type { Channel } from '../../protocol/channel.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../../protocol/offline.ts';
import { inferClient, inferServer } from '../../protocol/online.ts';
import { makePlan, type Plan } from '../../protocol/plan.ts';
import type { Segment } from '../../protocol/segment.ts';
import {
  type ClientSession,
  openClientSession,
  openServerSession,
  type ServerSession,
} from '../../protocol/session.ts';

/** What was said in one phase: up is to the server. */
export interface Said {
  readonly up: readonly Segment[];
  readonly down: readonly Segment[];
  /** For each segment to the client, how many of this phase the client had sent before. */
  readonly upBefore: readonly number[];
}

/** One honest conversation from keys to logits, from which hostile ones are made. */
export interface Transcript {
  readonly network: FixedNetwork;
  readonly plan: Plan;
  readonly session: Said;
  readonly bundle: Said;
  readonly online: Said;
  /** The server's half of the bundle, and the client's. */
  readonly bundleSeed: Uint8Array;
  readonly bundleBytes: Uint8Array;
  /** Still open, for dialogues that begin after the session's own messages. */
  readonly serverSession: ServerSession;
  readonly clientSession: ClientSession;
}

/** Plays both roles in this thread and keeps what they say. */
export async function recordTranscript(network: FixedNetwork): Promise<Transcript> {
  const plan = makePlan(network.card);
  const ends = memoryChannel();
  const opening = record(ends);
  const [clientSession, serverSession] = await Promise.all([
    openClientSession(opening.client),
    openServerSession(opening.server),
  ]);
  const preparing = record(ends);
  const bundle = new BundleInMemory();
  const bundleSeed = randomSeed();
  await Promise.all([
    prepareClient(clientSession, plan, preparing.client, bundle),
    prepareServer(serverSession, plan, network, preparing.server, bundleSeed),
  ]);
  const bundleBytes = bundle.bytes;
  const inferring = record(ends);
  await Promise.all([
    inferClient(plan, inferring.client, bundle, randomImage(network, 1)),
    inferServer(plan, network, inferring.server, { seed: bundleSeed, delta: serverSession.ot.delta }),
  ]);
  const { said: session } = opening;
  const [{ said: prepared }, { said: online }] = [preparing, inferring];
  return {
    network,
    plan,
    session,
    bundle: prepared,
    online,
    bundleSeed,
    bundleBytes,
    serverSession,
    clientSession,
  };
}

/** Both ends of a channel, which also keep copies of what goes in. */
function record(ends: { client: Channel; server: Channel }): {
  client: Channel;
  server: Channel;
  said: Said;
} {
  const said = { up: [] as Segment[], down: [] as Segment[], upBefore: [] as number[] };
  const listening = (channel: Channel, segments: Segment[]): Channel => ({
    send(segment) {
      if (segments === said.down) said.upBefore.push(said.up.length);
      // A copy: the channel takes the data over.
      segments.push({ ...segment, data: segment.data.slice() });
      return channel.send(segment);
    },
    receive: () => channel.receive(),
  });
  return { client: listening(ends.client, said.up), server: listening(ends.server, said.down), said };
}

class BundleInMemory implements BundleSink, BundleSource {
  #bytes = Buffer.alloc(0);
  #read = 0;

  get bytes(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  write(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  read(target: Uint8Array): void {
    target.set(this.#bytes.subarray(this.#read, this.#read + target.length));
    this.#read += target.length;
  }
}
