import { clientBits, type EvaluatorInput, evaluate, type GarbledElements } from '../garbling/evaluate.ts';
import {
  checkLength,
  deltaOf,
  type Gadget,
  type GarblerKeys,
  LABEL_BYTES,
  RESCALE_BYTES,
  SQUARE_TRANSFERS,
} from '../garbling/gadget.ts';
import { garble } from '../garbling/garble.ts';
import { garblerPart } from '../garbling/inputs.ts';
import { layerSecrets } from '../garbling/keys.ts';
import { outputMasks, serverLabels } from '../garbling/online.ts';
import { joinBytes } from '../join-bytes.ts';
import { latestProductHash, offerProducts, productChoices, takeProducts } from '../ot/oblivious-product.ts';
import { addShares, bytesToWords, wordsToBytes } from '../ring.ts';

/**
 * Squares of shared numbers, for networks with quadratic activations: of x = a + b the square of z = x / 2^f, rounded
 * as the Rescale gadget rounds, mod 2^32. It takes no more rounds than that gadget:
 *
 *     offline  garbler -> evaluator: Rescale's table, and an oblivious product: shares of rho * r
 *     online   garbler -> evaluator: Rescale's label, and its part of z under a mask
 *              evaluator -> garbler: d = z + rho - r and E = 2 d r + r^2 - 2 sigma_r - R
 *
 * The evaluator knows z + rho and its masks r and R, the garbler rho: that of Rescale's table plus that of its part.
 * The garbler then holds (d - rho)^2 - 2 sigma_s + E = z^2 - R, where sigma_s + sigma_r = rho * r. Both words of the
 * reply are masked: d by r, and E by R, each used once.
 */

/** The Rescale gadget inside. */
function rescaleOf(gadget: Gadget): Gadget {
  return { ...gadget, kind: 'rescale', shiftBits: 0 };
}

/** Returns the garbler's rho of a chunk, the total mask of z. */
function rhoOf(keys: GarblerKeys, first: number, count: number): Uint32Array {
  return addShares(outputMasks(keys, first, count), layerSecrets(keys).squareMasks(first, count).parts);
}

/** Evaluator, offline: the choices of its transfers [33 * count], position-major. `masks`: r [count]. */
export function squareChoices(gadget: Gadget, share: Uint32Array, masks: Uint32Array): Uint8Array {
  return joinBytes([clientBits(rescaleOf(gadget), share), productChoices(masks)]);
}

/** Garbler, offline: table and corrections [tables * count bytes]. Arguments as those of `garble`. */
export function garbleSquares(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  zeroLabels: Uint8Array,
): Uint8Array {
  checkLength('zero labels', zeroLabels, LABEL_BYTES * SQUARE_TRANSFERS * count);
  const wrap = garble(rescaleOf(gadget), keys, first, count, zeroLabels.subarray(0, LABEL_BYTES * count));
  const secrets = layerSecrets(keys);
  const products = offerProducts(
    secrets.productHash,
    first,
    zeroLabels.subarray(LABEL_BYTES * count),
    deltaOf(keys),
    rhoOf(keys, first, count),
    secrets.squareMasks(first, count).products,
  );
  return joinBytes([wrap, products]);
}

/**
 * Evaluator, offline: returns the kept part of labels and tables, [kept.labels * count] and [kept.tables * count]:
 * Rescale's, and its shares of the products. `masks`: r.
 */
export function keepSquares(
  nonce: Uint8Array,
  layer: number,
  first: number,
  count: number,
  masks: Uint32Array,
  labels: Uint8Array,
  tables: Uint8Array,
): { labels: Uint8Array; tables: Uint8Array } {
  const wrapBytes = RESCALE_BYTES * count;
  const own = labels.subarray(LABEL_BYTES * count);
  const shares = takeProducts(latestProductHash(nonce, layer), first, own, masks, tables.subarray(wrapBytes));
  const kept = joinBytes([tables.subarray(0, wrapBytes), wordsToBytes(shares)]);
  return { labels: labels.subarray(0, LABEL_BYTES * count), tables: kept };
}

/** Garbler, online: Rescale's labels, then its masked parts of z [online * count bytes]. Errors as those of `serverLabels`. */
export function squareLabels(
  gadget: Gadget,
  keys: GarblerKeys,
  first: number,
  count: number,
  share: Uint32Array,
): Uint8Array {
  const rescale = rescaleOf(gadget);
  const labels = serverLabels(rescale, keys, first, count, share);
  const parts = addShares(garblerPart(rescale, share), layerSecrets(keys).squareMasks(first, count).parts);
  return joinBytes([labels, wordsToBytes(parts)]);
}

/** The evaluator's data for squares: tables and labels from `keepSquares`, the online ones from `squareLabels`. */
export interface SquaresInput extends EvaluatorInput {
  /** r [count words]. */
  readonly masks: Uint32Array;
  /** R [count words]. */
  readonly nextMasks: Uint32Array;
}

/** Evaluator, online: its reply [reply * count bytes], the words d, then the words E. Errors as those of `evaluate`. */
export function evaluateSquares(
  gadget: Gadget,
  elements: GarbledElements,
  { share, masks, nextMasks, tables, clientLabels, onlineLabels: online }: SquaresInput,
): Uint8Array {
  const { count } = elements;
  checkLength('tables', tables, (RESCALE_BYTES + 4) * count);
  checkLength('online labels', online, (LABEL_BYTES + 4) * count);
  checkLength('masks', masks, count);
  checkLength('masks', nextMasks, count);
  const wrapLabels = online.subarray(0, LABEL_BYTES * count);
  const wrap = tables.subarray(0, RESCALE_BYTES * count);
  const wrapInput = { share, tables: wrap, clientLabels, onlineLabels: wrapLabels };
  const own = evaluate(rescaleOf(gadget), elements, wrapInput);
  const masked = addShares(own, bytesToWords(online.subarray(LABEL_BYTES * count)));
  const products = bytesToWords(tables.subarray(RESCALE_BYTES * count));
  const reply = new Uint32Array(2 * count);
  for (let e = 0; e < count; e++) {
    const r = masks[e];
    const d = masked[e] - r;
    reply[e] = d;
    reply[count + e] = 2 * Math.imul(d, r) + Math.imul(r, r) - 2 * products[e] - nextMasks[e];
  }
  return wordsToBytes(reply);
}

/** Garbler, online: z^2 - R [count], from the evaluator's reply. */
export function finishSquares(
  keys: GarblerKeys,
  first: number,
  count: number,
  reply: Uint8Array,
): Uint32Array {
  checkLength('reply', reply, 8 * count);
  const words = bytesToWords(reply);
  const rho = rhoOf(keys, first, count);
  const { products } = layerSecrets(keys).squareMasks(first, count);
  const next = new Uint32Array(count);
  for (let e = 0; e < count; e++) {
    const z = words[e] - rho[e];
    next[e] = Math.imul(z, z) - 2 * products[e] + words[count + e];
  }
  return next;
}
