import assert from 'node:assert/strict';
import { outputMasks, removeMask } from '../../crypto/garbling/online.ts';
import { randomSeed, SEED_BYTES } from '../../crypto/prg.ts';
import { addShares, bytesToWords, subtractShares } from '../../crypto/ring.ts';
import { finishSquares } from '../../crypto/squares/square.ts';
import { ownedCopy } from '../../kernels/release.ts';
import { flagsOf } from '../../model/element-bitmap.ts';
import { linearLayer } from '../../model/executor.ts';
import { LINEAR_ERROR } from '../../model/linear-error.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { type BundleSecrets, NONCE_BYTES } from '../../protocol/bundle.ts';
import type { Channel } from '../../protocol/channel.ts';
import { inOrder, putBack } from '../../protocol/element-order.ts';
import type { LabelEncoding } from '../../protocol/label-encoding.ts';
import { garblerKeys, layerMask, tensorMask } from '../../protocol/masks.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../../protocol/offline.ts';
import { inferClient, inferServer } from '../../protocol/online.ts';
import { elementChunks, makePlan, needsDelta, type Plan, storedBytes } from '../../protocol/plan.ts';
import type { Segment, SegmentKind } from '../../protocol/segment.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';
/** Runs both roles in one process over a memory channel and keeps everything that was said: support for tests. */

/** A channel that also keeps what comes out of it. */
export function recording(channel: Channel): Channel & { readonly received: Segment[] } {
  const received: Segment[] = [];
  return {
    received,
    send: (segment) => channel.send(segment),
    async receive() {
      const segment = await channel.receive();
      // A copy: the role that receives a segment owns its data and may free it.
      received.push({ ...segment, data: ownedCopy(segment.data) });
      return segment;
    },
  };
}

/** All bytes of one kind (and layer) among `segments`, in order. */
export function bytesOf(segments: readonly Segment[], kind: SegmentKind, layer?: number): Uint8Array {
  const wanted = segments.filter((s) => s.kind === kind && (layer === undefined || s.layer === layer));
  return new Uint8Array(Buffer.concat(wanted.map(({ data }) => data)));
}

export interface Preparation {
  readonly plan: Plan;
  readonly bundle: Uint8Array;
  readonly secrets: BundleSecrets;
  readonly serverReceived: Segment[];
  readonly clientReceived: Segment[];
}

/** Prepares `count` bundles in one session. */
export async function prepare(
  network: FixedNetwork,
  count = 1,
  setting: LabelEncoding = 'fast',
): Promise<Preparation[]> {
  const plan = makePlan(network.card, setting);
  const ends = memoryChannel();
  const [clientSession, serverSession] = await Promise.all([
    openClientSession(ends.client),
    openServerSession(ends.server),
  ]);
  const preparations: Preparation[] = [];
  for (let i = 0; i < count; i++) {
    const client = recording(ends.client);
    const server = recording(ends.server);
    const bundleSeed = randomSeed();
    const bundle = new MemoryBundle();
    await Promise.all([
      prepareClient(clientSession, plan, client, bundle),
      prepareServer(serverSession, plan, network, server, bundleSeed),
    ]);
    const { received: clientReceived } = client;
    const { received: serverReceived } = server;
    const secrets = { seed: bundleSeed, delta: needsDelta(plan) ? serverSession.ot.delta : null };
    preparations.push({ plan, bundle: bundle.bytes, secrets, serverReceived, clientReceived });
  }
  closeSession(clientSession);
  closeSession(serverSession);
  return preparations;
}

export interface Inference {
  readonly logits: Int32Array;
  readonly classes: readonly number[];
  readonly serverReceived: Segment[];
  readonly clientReceived: Segment[];
}

/** Spends a prepared bundle on `image`. */
export async function infer(
  network: FixedNetwork,
  prepared: Preparation,
  image: Int32Array,
): Promise<Inference> {
  const ends = memoryChannel();
  const client = recording(ends.client);
  const server = recording(ends.server);
  const source = new MemoryBundle();
  source.write(prepared.bundle);
  const [{ logits, classes }] = await Promise.all([
    inferClient(prepared.plan, client, source, image),
    inferServer(prepared.plan, network, server, prepared.secrets),
  ]);
  return { logits, classes, serverReceived: server.received, clientReceived: client.received };
}

/** The client's shares b_l, as they stand in its bundle. */
export function clientShares({ plan, bundle }: Preparation): Uint32Array[] {
  let offset = SEED_BYTES + NONCE_BYTES;
  return plan.layers.map(({ elements, chunks }) => {
    const share = bytesToWords(bundle.subarray(offset, offset + 4 * elements));
    offset += chunks.reduce((sum, chunk) => sum + storedBytes(chunk), 4 * elements);
    return share;
  });
}

/** The server's shares a_l of an inference, recomputed from what it received. */
export function serverShares(
  network: FixedNetwork,
  prepared: Preparation,
  inference: Inference,
): Uint32Array[] {
  const { plan, secrets } = prepared;
  const tensors = [bytesToWords(bytesOf(inference.serverReceived, 'masked-input'))];
  return plan.layers.map((layer, l) => {
    const { order, elements } = layer;
    const share = subtractShares(linearLayer(network, l, tensors), layerMask(plan, secrets.seed, l));
    const ordered = inOrder(share, order);
    let received = bytesOf(inference.serverReceived, 'masked-activations', l);
    const keys = garblerKeys(secrets, l);
    const next = new Uint32Array(elements);
    for (const { first, count, gadget, bytes } of elementChunks(layer)) {
      const reply = received.subarray(0, bytes.reply * count);
      received = received.subarray(reply.length);
      const own = ordered.subarray(first, first + count);
      const values =
        gadget.kind === 'square'
          ? finishSquares(keys, first, count, reply)
          : removeMask(gadget, outputMasks(keys, first, count), bytesToWords(reply), own);
      putBack(next, values, first, order);
    }
    tensors.push(next);
    return share;
  });
}

/** The carries c of docs/protocol.md, section 1 that an inference met, from both parties' shares: the same for all gadgets. */
export function carriesOf(network: FixedNetwork, prepared: Preparation, inference: Inference) {
  const own = clientShares(prepared);
  const other = serverShares(network, prepared, inference);
  const squares = network.card.layers.map(({ squares }, l) =>
    flagsOf(squares?.elements ?? null, own[l].length),
  );
  return (layer: number, element: number): 0 | 1 => {
    const { gadget, squares: square } = network.card.layers[layer];
    const dropBits = (squares[layer]?.[element] ? square?.dropBits : gadget?.dropBits) ?? 0;
    const low = 2 ** dropBits - 1;
    const sum = (own[layer][element] & low) + (other[layer][element] & low);
    return sum > low ? 1 : 0;
  };
}

/**
 * The errors that the linear layers of a preparation have: the client's share b_l less W_l r and less s_l, as signed words. They
 * depend on no image.
 */
export function errorsOf(network: FixedNetwork, prepared: Preparation) {
  const { plan, bundle, secrets } = prepared;
  const maskSeed = bundle.subarray(0, SEED_BYTES);
  const masks = plan.tensorElements.map((_, tensor) => tensorMask(plan, maskSeed, tensor));
  const errors = clientShares(prepared).map((share, l) => {
    const known = addShares(linearLayer(network, l, masks, 'without-bias'), layerMask(plan, secrets.seed, l));
    const own = new Int32Array(subtractShares(share, known).buffer);
    const most = 10 * LINEAR_ERROR * Math.sqrt(plan.he.layers[l].parts.length);
    assert.ok(
      own.every((error) => Math.abs(error) < most),
      `layer ${l}: more than ten standard deviations`,
    );
    return own;
  });
  return (layer: number, element: number): number => errors[layer][element];
}

/** Bytes without the trees, which belong to the session and are sent with its first bundle. */
const total = (segments: readonly Segment[]) =>
  segments.reduce((sum, { kind, data }) => sum + (kind === 'ot-trees' ? 0 : data.length), 0);

/** What went over both channels, and what was kept, is as long as the plan says. */
export function assertPlanBytes({ plan, bundle, ...prepared }: Preparation, inference: Inference): void {
  assert.equal(total(prepared.serverReceived), plan.offlineBytes.up);
  assert.equal(total(prepared.clientReceived), plan.offlineBytes.down);
  assert.equal(bundle.length, plan.bundleBytes);
  assert.equal(total(inference.serverReceived), plan.onlineBytes.up);
  assert.equal(total(inference.clientReceived), plan.onlineBytes.down);
}
