/** A copy of `one` if choice is 1, of `zero` if it is 0, equally long; without a branch. */
export function select(choice: number, zero: Uint8Array, one: Uint8Array): Uint8Array {
  return zero.map((byte, i) => byte ^ ((byte ^ one[i]) & -choice));
}
