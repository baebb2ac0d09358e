/** Random flags of elements [elements], the given share of them set: see element-bitmap.ts. */
export function randomElements(elements: number, share: number, random: () => number): Uint8Array {
  const flags = new Uint8Array(elements);
  let left = Math.round(share * elements);
  // All sets of this size are equally likely: each element is chosen with the ratio of remaining choices to remaining
  // elements.
  for (let i = 0; i < elements; i++)
    if (random() * (elements - i) < left) {
      flags[i] = 1;
      left--;
    }
  return flags;
}
