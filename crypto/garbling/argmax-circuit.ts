import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { elementsOf, type Gates } from './gates.ts';

/**
 * The circuit that finds the largest of n signed 32-bit words, and the next largest: adders that join the shares,
 * then per class a tournament over neighbours. Of equal words the first wins.
 */

/** Bits of a logit. */
export const WORD_BITS = 32;

/** Wires of one length, the lowest bit first. */
type Word = readonly Uint8Array[];

interface Tournament {
  /** Bits of the winner's index, of one element each. */
  readonly index: Word;
  /** For every level, whether the right one of each pair won. */
  readonly choices: readonly Uint8Array[];
}

/**
 * Computes the indices of the `classes` largest of a + b mod 2^32, signed, in descending order; wires of one element.
 */
export function largestIndices(gates: Gates, a: Word, b: Word, classes: number): Word[] {
  const words = ordered(gates, add(gates, a, b));
  const found: Word[] = [];
  /**
   * Flags of the elements that have not won yet, as the highest bit of each word; not needed in the first tournament.
   */
  let alive: Uint8Array | null = null;
  for (;;) {
    const { index, choices } = hold(gates, alive ? [...words, alive] : words);
    found.push(index);
    if (found.length === classes) return found;
    const won = winner(gates, choices);
    alive = alive ? gates.xor(alive, won) : gates.not(won);
  }
}

/** Yields the number of gates of each `and` in `largestIndices` over n words, in order, for the plan. */
export function* andGates(n: number, classes: number): Generator<number> {
  for (let bit = 0; bit < WORD_BITS - 1; bit++) yield n;
  for (let found = 1; found <= classes; found++) {
    const width = found === 1 ? WORD_BITS : WORD_BITS + 1;
    const pairs: number[] = [];
    for (let left = n; left > 1; left = Math.ceil(left / 2)) pairs.push(Math.floor(left / 2));
    for (const [level, count] of pairs.entries()) {
      for (let bit = 0; bit < width; bit++) yield count;
      const moved = level + (level === pairs.length - 1 ? 0 : width);
      if (moved > 0) yield moved * count;
    }
    if (found < classes) yield* pairs.slice(0, -1).reverse();
  }
}

/** a + b mod 2^32. */
function add(gates: Gates, a: Word, b: Word): Word {
  const carry = gates.constant(a[0].length);
  return a.map((left, bit) => {
    const sum = gates.xor(gates.xor(left, carry), b[bit]);
    // The carry out of the top bit is dropped.
    if (bit < WORD_BITS - 1)
      gates.memory.scope(() => gates.and(gates.xor(left, carry), gates.xor(b[bit], carry), carry));
    return sum;
  });
}

/** Maps signed words to unsigned ones of the same order. */
function ordered(gates: Gates, words: Word): Word {
  return words.map((bit, i) => (i === WORD_BITS - 1 ? gates.not(bit) : bit));
}

/** Plays rounds between pairs of neighbours; in an odd round the last element advances without a partner. */
function hold(gates: Gates, words: Word): Tournament {
  let [values, index] = [words, [] as Word];
  const choices: Uint8Array[] = [];
  while (elementsOf(values[0]) > 1) {
    const pairs = values.map((bit) => split(gates, bit));
    const rightWins = isGreater(
      gates,
      pairs.map(({ right }) => right),
      pairs.map(({ left }) => left),
    );
    choices.push(rightWins);
    const known = index.map((bit) => split(gates, bit));
    const moved = elementsOf(values[0]) === 2 ? [] : pairs; // the value of the last winner is not needed
    const chosen = choose(gates, rightWins, [...known, ...moved]);
    const isRight = join(gates, [rightWins, gates.constant(pairs[0].rest.length)]);
    index = [...chosen.slice(0, known.length), isRight];
    values = moved.length > 0 ? chosen.slice(known.length) : [rightWins];
  }
  return { index, choices };
}

/** x > y, unsigned: the carry of x + NOT y, by one AND per bit (Kolesnikov, Sadeghi, Schneider, CANS 2009). */
function isGreater(gates: Gates, x: Word, y: Word): Uint8Array {
  const carry = gates.constant(x[0].length);
  for (const [bit, left] of x.entries())
    gates.memory.scope(() => {
      gates.and(gates.xor(left, carry), gates.xor(gates.not(y[bit]), carry), carry);
    });
  return carry;
}

interface Pairs {
  readonly left: Uint8Array;
  readonly right: Uint8Array;
  /** The element without a partner, or none. */
  readonly rest: Uint8Array;
}

/** Elements 0, 2, 4, ... and their right neighbours. */
function split({ memory }: Gates, wire: Uint8Array): Pairs {
  const count = elementsOf(wire);
  const [left, right] = [0, 1].map((side) => {
    const half = memory.bytes(BLOCK_BYTES * Math.floor(count / 2));
    copyBlocks(wire, side, 2, half, 0, 1, elementsOf(half));
    return half;
  });
  return { left, right, rest: wire.subarray(2 * left.length) };
}

/**
 * Selects for every bit the right elements where `rightWins`, else the left ones; then appends the rest. All bits are
 * one batch of gates.
 */
function choose(gates: Gates, rightWins: Uint8Array, bits: readonly Pairs[]): Uint8Array[] {
  if (bits.length === 0) return [];
  const [left, right] = [bits.map((bit) => bit.left), bits.map((bit) => bit.right)];
  const chosen = join(gates, left);
  const repeated = join(
    gates,
    bits.map(() => rightWins),
  );
  gates.and(repeated, gates.xor(chosen, join(gates, right)), chosen);
  const { length } = rightWins;
  return bits.map(({ rest }, i) => join(gates, [chosen.subarray(i * length, (i + 1) * length), rest]));
}

/** Returns flags of all input elements, set only for the winner: walks the tournament from its end to its beginning. */
function winner(gates: Gates, choices: readonly Uint8Array[]): Uint8Array {
  const [last, ...before] = choices.toReversed();
  let flags = merge(gates, gates.not(last), last, gates.constant(0));
  for (const rightWins of before) {
    const paired = flags.subarray(0, rightWins.length);
    const right = gates.constant(rightWins.length);
    gates.and(rightWins, paired, right);
    flags = merge(gates, gates.xor(paired, right), right, flags.subarray(rightWins.length));
  }
  return flags;
}

/** Undoes `split`. */
function merge({ memory }: Gates, left: Uint8Array, right: Uint8Array, rest: Uint8Array): Uint8Array {
  const wire = memory.bytes(2 * left.length + rest.length);
  for (const [side, half] of [left, right].entries()) copyBlocks(half, 0, 1, wire, side, 2, elementsOf(half));
  wire.set(rest, 2 * left.length);
  return wire;
}

/** Joins the elements of several wires into one. */
function join({ memory }: Gates, wires: readonly Uint8Array[]): Uint8Array {
  const joined = memory.bytes(wires.reduce((sum, { length }) => sum + length, 0));
  let next = 0;
  for (const wire of wires) {
    joined.set(wire, next);
    next += wire.length;
  }
  return joined;
}

/** Copies `count` labels: every `step`-th from element `first` on, to every `toStep`-th from `toFirst` on. */
function copyBlocks(
  from: Uint8Array,
  first: number,
  step: number,
  to: Uint8Array,
  toFirst: number,
  toStep: number,
  count: number,
): void {
  const [source, target] = [from, to].map(
    (wire) => new Uint32Array(wire.buffer, wire.byteOffset, wire.length / 4),
  );
  for (let i = 0; i < count; i++) {
    const [at, into] = [4 * (first + i * step), 4 * (toFirst + i * toStep)];
    for (let word = 0; word < 4; word++) target[into + word] = source[at + word];
  }
}
