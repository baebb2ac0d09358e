import type { HeServer } from '../../crypto/he/server.ts';
import type { BaseOtChoices } from '../../crypto/ot/base-ot.ts';
import { randomSeed } from '../../crypto/prg.ts';
import { randomImage } from '../../fixtures/random-image.ts';
import { ownedCopy } from '../../kernels/release.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { BundleSecrets } from '../../protocol/bundle.ts';
import type { Channel } from '../../protocol/channel.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../../protocol/offline.ts';
import { inferClient, inferServer } from '../../protocol/online.ts';
import { makePlan, type Plan } from '../../protocol/plan.ts';
import type { Segment } from '../../protocol/segment.ts';
import {
  type ClientSession,
  openClientSession,
  receiveKeys,
  type ServerSession,
} from '../../protocol/session.ts';
import { ServerTransfers } from '../../protocol/transfers.ts';

/** The segments of one phase: up is to the server. */
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
  /** The server's and the client's halves of the bundle. */
  readonly bundleSecrets: BundleSecrets & { readonly delta: Uint8Array };
  readonly bundleBytes: Uint8Array;
  /** The client's session, still open, for dialogues that begin after the session's own messages. */
  readonly clientSession: ClientSession;
  /** The server's copy of the client's keys, from which `sessionOf` makes sessions. */
  readonly serverKeys: ServerKeys;
}

/** The client's public key and the server's base OTs, which may be finished more than once. */
interface ServerKeys {
  readonly he: HeServer;
  readonly base: { readonly packedChoices: Uint8Array; finish(): BaseOtChoices };
}

/**
 * Returns the server's session as it was before the recorded bundle: a replay of the client's messages passes, and a
 * changed replay is caught by the same check.
 */
export function sessionOf({ serverKeys: { he, base }, bundle }: Transcript): ServerSession {
  const challenges = bundle.down
    .filter(({ kind }) => kind === 'ot-challenge')
    .map(({ data }) => data.slice());
  return { he, ot: new ServerTransfers(base, () => challenges.shift() ?? randomSeed()) };
}

/** Plays both roles in this thread and records their messages. */
export async function recordTranscript(network: FixedNetwork): Promise<Transcript> {
  const plan = makePlan(network.card);
  const ends = memoryChannel();
  const opening = record(ends);
  const [clientSession, serverKeys] = await Promise.all([
    openClientSession(opening.client),
    receiveKeys(opening.server).then(({ he, base }): ServerKeys => {
      const { packedChoices } = base;
      const choices = base.finish();
      return { he, base: { packedChoices, finish: () => choices } };
    }),
  ]);
  const serverSession: ServerSession = { he: serverKeys.he, ot: new ServerTransfers(serverKeys.base) };
  const preparing = record(ends);
  const bundle = new MemoryBundle();
  const bundleSecrets = { seed: randomSeed(), delta: serverSession.ot.delta };
  await Promise.all([
    prepareClient(clientSession, plan, preparing.client, bundle),
    prepareServer(serverSession, plan, network, preparing.server, bundleSecrets.seed),
  ]);
  const bundleBytes = bundle.bytes;
  const inferring = record(ends);
  await Promise.all([
    inferClient(plan, inferring.client, bundle, randomImage(network, 1)),
    inferServer(plan, network, inferring.server, bundleSecrets),
  ]);
  serverSession.ot.close();
  const { said: session } = opening;
  const [{ said: prepared }, { said: online }] = [preparing, inferring];
  return {
    network,
    plan,
    session,
    bundle: prepared,
    online,
    bundleSecrets,
    bundleBytes,
    clientSession,
    serverKeys,
  };
}

/** Wraps both ends of a channel, which also record copies of sent segments. */
function record(ends: { client: Channel; server: Channel }): {
  client: Channel;
  server: Channel;
  said: Said;
} {
  const said = { up: [] as Segment[], down: [] as Segment[], upBefore: [] as number[] };
  const listening = (channel: Channel, segments: Segment[]): Channel => ({
    send(segment) {
      if (segments === said.down) said.upBefore.push(said.up.length);
      // A copy, because the channel takes ownership of the data.
      segments.push({ ...segment, data: ownedCopy(segment.data) });
      return channel.send(segment);
    },
    receive: () => channel.receive(),
  });
  return { client: listening(ends.client, said.up), server: listening(ends.server, said.down), said };
}
