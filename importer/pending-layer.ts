import type { AffineValue } from './affine.ts';

/** A value of the graph that is a layer of linear elements, and why. */
export interface Cut {
  readonly value: string;
  readonly reason: string;
}

/** An affine value that ends a linear segment, or the graph's output. Entry l of a list makes tensor l + 1. */
export interface PendingLayer {
  readonly name: string;
  readonly value: AffineValue;
  /** Flags of the elements without a ReLU; null if all have one, and for the output. */
  readonly linear: Uint8Array | null;
  /** Flags of the elements that are squared in place of a ReLU. */
  readonly square: Uint8Array | null;
  /** Its values without an activation in the graph, where its linear segment was cut. */
  readonly cuts: readonly Cut[];
  /** The linear operators of the graph that the layer computes. */
  readonly operators: readonly string[];
}

/** The layers that the last one depends on, and for each the tensor that it was, among the old ones. */
export function neededLayers(pending: readonly PendingLayer[]): PendingLayer[] {
  const needed = new Set([pending.length]);
  for (let tensor = pending.length; tensor > 0; tensor--)
    if (needed.has(tensor)) for (const term of pending[tensor - 1].value.terms) needed.add(term.tensor);
  const kept = [...pending.keys()].filter((l) => needed.has(l + 1));
  return renumbered(
    kept.map((l) => pending[l]),
    new Map(kept.map((l, i) => [l + 1, i + 1])),
  );
}

/** The layers with the tensors that their terms read under new numbers; the image stays 0. */
export function renumbered(
  layers: readonly PendingLayer[],
  numbers: ReadonlyMap<number, number>,
): PendingLayer[] {
  return layers.map((layer) => {
    const terms = layer.value.terms.map((term) => ({ ...term, tensor: numbers.get(term.tensor) ?? 0 }));
    return { ...layer, value: { ...layer.value, terms } };
  });
}
