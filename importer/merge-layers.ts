import { elementsOf } from '../model/geometry.ts';
import { MAX_CHANNELS } from '../model/limits.ts';
import { type AffineTerm, concatValues, denseKernel, mergeTerms } from './affine.ts';
import { placeInputs } from './dense-kernel.ts';
import { linearCost } from './layer-cost.ts';
import { type PendingLayer, renumbered } from './pending-layer.ts';
import { InexactError } from './refusals.ts';

/**
 * Merges independent layers into one with stacked channels if that is cheaper: every layer is a round trip. Readers of
 * a part read the whole with zero weights for the rest.
 */
export function mergeLayers(layers: readonly PendingLayer[], tries = MOST_TRIES): PendingLayer[] {
  const cost = linearCost(layers);
  let left = tries;
  for (const [i, j] of independentPairs(layers)) {
    if (left-- <= 0) break;
    const merged = tryPair(layers, i, j);
    if (merged && linearCost(merged) < cost)
      return mergeLayers(
        mergePair(layers, i, j, {
          linear: joinedFlags(layers[i], layers[j], 'linear'),
          square: joinedFlags(layers[i], layers[j], 'square'),
        }),
        left,
      );
  }
  return [...layers];
}

/** Most pairs that are tried: more than networks with hundreds of branches have, and quick to check. */
const MOST_TRIES = 500;

/** Yields pairs of independent layers with the same map size, except the logits. */
function* independentPairs(layers: readonly PendingLayer[]): Generator<[number, number]> {
  const ancestors = ancestorsOf(layers);
  for (let j = 1; j < layers.length - 1; j++)
    for (let i = 0; i < j; i++) if (fit(layers[i], layers[j]) && !ancestors[j].has(i)) yield [i, j];
}

function fit({ value: a }: PendingLayer, { value: b }: PendingLayer): boolean {
  return (
    a.shape.height === b.shape.height &&
    a.shape.width === b.shape.width &&
    a.shape.channels + b.shape.channels <= MAX_CHANNELS
  );
}

/** For each layer, all layers that it depends on. */
function ancestorsOf(layers: readonly PendingLayer[]): Set<number>[] {
  const reach: Set<number>[] = [];
  for (const { value } of layers) {
    const own = new Set<number>();
    for (const { tensor } of value.terms) {
      if (tensor === 0 || own.has(tensor - 1)) continue;
      own.add(tensor - 1);
      for (const ancestor of reach[tensor - 1]) own.add(ancestor);
    }
    reach.push(own);
  }
  return reach;
}

/** Merges layers i and j, still without flags; null if a kernel would become too large. */
function tryPair(layers: readonly PendingLayer[], i: number, j: number): PendingLayer[] | null {
  try {
    return mergePair(layers, i, j, { linear: null, square: null });
  } catch (error) {
    if (error instanceof InexactError) return null;
    throw error;
  }
}

/** Layers i < j, of which neither depends on the other, as one with these flags. */
function mergePair(
  layers: readonly PendingLayer[],
  i: number,
  j: number,
  flags: Pick<PendingLayer, 'linear' | 'square'>,
): PendingLayer[] {
  const [a, b] = [layers[i], layers[j]];
  const value = concatValues([a.value, b.value]);
  const both: PendingLayer = {
    name: `${a.name} + ${b.name}`,
    value,
    ...flags,
    cuts: [...a.cuts, ...b.cuts],
    operators: [...new Set([...a.operators, ...b.operators])],
  };
  const first = a.value.shape.channels;
  const { channels } = value.shape;
  const widened = layers.map((layer, l) => {
    const { value: own, ...rest } = l === i ? both : layer;
    const terms = own.terms.map((term): AffineTerm => {
      if (term.tensor !== i + 1 && term.tensor !== j + 1) return term;
      const kernel = placeInputs(denseKernel(term), term.tensor === i + 1 ? 0 : first, channels);
      return { ...term, tensor: i + 1, from: value.shape, kernel };
    });
    return { ...rest, value: { ...own, terms: mergeTerms(terms) } };
  });
  return inOrder(widened, j);
}

function joinedFlags(a: PendingLayer, b: PendingLayer, kind: 'linear' | 'square'): Uint8Array | null {
  const [low, high] = [a[kind], b[kind]];
  if (!low && !high) return null;
  const first = elementsOf(a.value.shape);
  const flags = new Uint8Array(first + elementsOf(b.value.shape));
  if (low) flags.set(low);
  if (high) flags.set(high, first);
  return flags;
}

/** The layers without `gone`, each after all that it reads and otherwise as they were. */
function inOrder(layers: readonly PendingLayer[], gone: number): PendingLayer[] {
  const numbers = new Map<number, number>();
  const place = (l: number): void => {
    if (l === gone || numbers.has(l + 1)) return;
    for (const { tensor } of layers[l].value.terms) if (tensor > 0) place(tensor - 1);
    numbers.set(l + 1, numbers.size + 1);
  };
  for (const l of layers.keys()) place(l);
  return renumbered(
    [...numbers.keys()].map((tensor) => layers[tensor - 1]),
    numbers,
  );
}
