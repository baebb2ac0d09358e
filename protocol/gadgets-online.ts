import { nextTurn } from '#platform/next-turn';
import { evaluate, readyEvaluator } from '../crypto/garbling/evaluate.ts';
import { forgetSecrets } from '../crypto/garbling/keys.ts';
import { outputMasks, removeMask, serverLabels } from '../crypto/garbling/online.ts';
import { bytesToWords, subtractShares, wordsToBytes } from '../crypto/ring.ts';
import { evaluateSquares, finishSquares, squareLabels } from '../crypto/squares/square.ts';
import { type OwnedBytes, owned, release } from '../kernels/release.ts';
import type { BundleSecrets } from './bundle.ts';
import type { BundleWindow } from './bundle-window.ts';
import type { Channel } from './channel.ts';
import { inOrder, putBack } from './element-order.ts';
import { garblerKeys, squareMask, tensorMask } from './masks.ts';
import { elementChunks, type Plan } from './plan.ts';
import { sendTensor, TensorReader } from './tensor-stream.ts';
import { traced } from './trace.ts';

/**
 * The gadgets of one layer, online (DELPHI, online phase): its ReLUs and the truncation of its linear elements
 * (docs/protocol.md, section 3), and its squares (section 4). For every chunk:
 *
 *     server -> client: the digit keys of its share a_l; for squares also its masked part of z
 *     client -> server: v - r, where v = ReLU(x) + rho, or the client's part of x / 2^f, masked by rho; for squares d and E
 *
 * Afterwards the server holds x - r for the next layer. Each side requests the next chunk before it works on the
 * current one, and uses waiting time for work that needs no message.
 */

/** Client's half. `share`: b_l [elements]; `maskSeed`: the bundle's. */
export async function gadgetsClient(
  plan: Plan,
  channel: Channel,
  layer: number,
  nonce: Uint8Array,
  share: Uint32Array,
  maskSeed: Uint8Array,
  window: BundleWindow,
): Promise<void> {
  const { order } = plan.layers[layer];
  const chunks = elementChunks(plan.layers[layer]);
  window.enter(plan.layers[layer]);
  const reader = new TensorReader(channel, 'server-labels', layer);
  const ask = (chunk: number) => {
    const labels = reader.read(chunks[chunk].bytes.online * chunks[chunk].count);
    labels.catch(() => {}); // thrown where it is awaited
    return labels;
  };
  let labels = ask(0);
  const [ownShare, ownMask] = traced('get ready', layer, () => {
    for (const gadget of new Set(chunks.map((chunk) => chunk.gadget))) readyEvaluator(gadget, nonce, layer);
    return [inOrder(share, order), inOrder(tensorMask(plan, maskSeed, layer + 1), order)];
  });
  // Replies leave while the next labels come in; waiting for each would let both sides block on a full window.
  const replies: Promise<void>[] = [];
  let offset = 0;
  for (const [i, chunk] of chunks.entries()) {
    const { first, count, gadget } = chunk;
    const online = await loadUntil(labels, window, layer);
    if (i + 1 < chunks.length) labels = ask(i + 1);
    const { tables, clientLabels } = traced('load', layer, () => window.next());
    const [own, mask] = [ownShare, ownMask].map((words) => words.subarray(first, first + count));
    const masked = traced('evaluate', layer, () => {
      const elements = { nonce, layer, first, count };
      const input = { share: own, tables, clientLabels, onlineLabels: online };
      if (gadget.kind !== 'square')
        return wordsToBytes(subtractShares(evaluate(gadget, elements, input), mask));
      const masks = squareMask(maskSeed, layer, chunk);
      return evaluateSquares(gadget, elements, { ...input, masks, nextMasks: mask });
    });
    release(online);
    const start = offset;
    offset += masked.length;
    const reply = sendTensor(channel, 'masked-activations', layer, owned(masked), start);
    reply.catch(() => {}); // reported by Promise.all below, or caused by the same end as the failure of the next read
    replies.push(reply);
  }
  await Promise.all(replies);
}

/** Waits for `labels`, and meanwhile loads chunks ahead. */
async function loadUntil(
  labels: Promise<OwnedBytes>,
  window: BundleWindow,
  layer: number,
): Promise<OwnedBytes> {
  let arrived = false;
  const settled = () => {
    arrived = true;
  };
  labels.then(settled, settled);
  do await nextTurn();
  while (!arrived && traced('load', layer, () => window.loadAhead()));
  return labels;
}

/** Server's half. `share`: a_l [elements]. Returns x - r of the next tensor [elements]. `meanwhile` is called once all labels are sent. */
export async function gadgetsServer(
  plan: Plan,
  channel: Channel,
  layer: number,
  share: Uint32Array,
  secrets: BundleSecrets,
  meanwhile: () => void,
): Promise<Uint32Array> {
  const { order, elements } = plan.layers[layer];
  const chunks = elementChunks(plan.layers[layer]);
  const keys = garblerKeys(secrets, layer);
  const ownShare = inOrder(share, order);
  const next = new Uint32Array(elements);
  const sendLabels = async () => {
    let offset = 0;
    for (const { first, count, gadget } of chunks) {
      const own = ownShare.subarray(first, first + count);
      const labels = traced('select labels', layer, () =>
        (gadget.kind === 'square' ? squareLabels : serverLabels)(gadget, keys, first, count, own),
      );
      const start = offset;
      offset += labels.length;
      await sendTensor(channel, 'server-labels', layer, owned(labels), start);
    }
    traced('work ahead', layer, meanwhile);
  };
  const receiveActivations = async () => {
    const reader = new TensorReader(channel, 'masked-activations', layer);
    const ask = (chunk: number) => {
      const activations = reader.read(chunks[chunk].bytes.reply * chunks[chunk].count);
      activations.catch(() => {}); // thrown where it is awaited
      return activations;
    };
    let activations = ask(0);
    for (const [i, { first, count, gadget }] of chunks.entries()) {
      const received = await activations;
      if (i + 1 < chunks.length) activations = ask(i + 1);
      traced('remove masks', layer, () => {
        const own = ownShare.subarray(first, first + count);
        const values =
          gadget.kind === 'square'
            ? finishSquares(keys, first, count, received)
            : removeMask(gadget, outputMasks(keys, first, count), bytesToWords(received), own);
        putBack(next, values, first, order);
      });
    }
  };
  try {
    await Promise.all([sendLabels(), receiveActivations()]);
  } finally {
    forgetSecrets(keys);
  }
  return next;
}
