/**
 * The order in which the nonlinearities of a layer take its elements: those with a ReLU first, then the linear ones, then
 * the squares, each ascending, so that every chunk has one gadget. It is public, as the masks are. null: the layer's own
 * order.
 */
export type ElementOrder = Uint32Array | null;

/** Computes the order from flags [elements] of the linear elements and of the squares; no element is both. */
export function elementOrder(linear: Uint8Array | null, square: Uint8Array | null): ElementOrder {
  const flags = linear ?? square;
  if (!flags) return null;
  const kinds = flags.map((_, i) => (linear?.[i] ?? 0) + 2 * (square?.[i] ?? 0));
  const order = new Uint32Array(flags.length);
  let next = 0;
  for (const kind of [0, 1, 2])
    for (let i = 0; i < kinds.length; i++) if (kinds[i] === kind) order[next++] = i;
  return order;
}

/** Returns the elements of a layer in the given order; a copy, unless it is the layer's own order. */
export function inOrder(values: Uint32Array, order: ElementOrder): Uint32Array {
  return order ? order.map((element) => values[element]) : values;
}

/** Undoes `inOrder` for a run of elements from position `first` on: puts them at their places in the layer. */
export function putBack(layer: Uint32Array, values: Uint32Array, first: number, order: ElementOrder): void {
  if (!order) layer.set(values, first);
  else for (let i = 0; i < values.length; i++) layer[order[first + i]] = values[i];
}
