/** Random flags of elements [elements], the given share of them set: see element-bitmap.ts. */
export function randomElements(elements: number, share: number, random: () => number): Uint8Array {
  const flags = new Uint8Array(elements);
  let left = Math.round(share * elements);
  // Every set of so many elements is equally likely: each is taken with the share that is left of those left.
  for (let i = 0; i < elements; i++)
    if (random() * (elements - i) < left) {
      flags[i] = 1;
      left--;
    }
  return flags;
}
