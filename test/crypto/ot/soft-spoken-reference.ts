import { BASE_OTS, type BaseOtChoices, type BaseOtPairs } from '../../../crypto/ot/base-ot.ts';
import type { OtTreeBits } from '../../../crypto/ot/ggm-trees.ts';
import { deriveSeed, Prg } from '../../../crypto/prg.ts';

/** SoftSpokenOT by its formulas, with the secrets of both parties in one place. */

/** Node `x` at `depth` below the root of a tree, bit l of x being the side taken at level l; by default a leaf. */
export function nodeOf(
  { zero, one }: BaseOtPairs,
  treeBits: OtTreeBits,
  tree: number,
  x: number,
  depth: number = treeBits,
): Uint8Array {
  let node = (x & 1 ? one : zero)[tree * treeBits];
  for (let l = 1; l < depth; l++) node = deriveSeed(node, (x >> l) & 1 ? 'ot-tree-right' : 'ot-tree-left');
  return node;
}

/** `count` bytes 0 or 1 from `start` on as a number, the first in the lowest bit. */
export function bitsFrom(bits: Uint8Array, start: number, count: number): number {
  return bits.subarray(start, start + count).reduce((number, bit, l) => number | (bit << l), 0);
}

/** The stream of a leaf, behind its tag of 32 bytes. */
function leafStream(leaf: Uint8Array): Prg {
  const stream = new Prg(leaf, 'ot-column');
  stream.bytes(32);
  return stream;
}

/** The receiver's matrix and column v of transfer i; the sender's columns for 0 and 1, w and w + s. */
export interface PlainExtension {
  readonly matrix: Uint8Array;
  readonly receiver: (i: number) => Uint8Array;
  readonly sender: (i: number) => { zero: Uint8Array; one: Uint8Array };
}

/** Runs both parties side by side, extension after extension. */
export class PlainSoftSpoken {
  readonly #treeBits: OtTreeBits;
  readonly #secrets: Uint8Array;
  /** Stream x of every tree. */
  readonly #streams: Prg[][];

  constructor(pairs: BaseOtPairs, { choices }: BaseOtChoices, treeBits: OtTreeBits) {
    this.#treeBits = treeBits;
    this.#secrets = choices;
    this.#streams = Array.from({ length: BASE_OTS / treeBits }, (_, tree) =>
      Array.from({ length: 2 ** treeBits }, (_, x) => leafStream(nodeOf(pairs, treeBits, tree, x))),
    );
  }

  extend(choices: Uint8Array): PlainExtension {
    const k = this.#treeBits;
    const width = 16 * Math.ceil(choices.length / 128);
    const packed = new Uint8Array(width);
    for (const [i, choice] of choices.entries()) packed[i >> 3] |= choice << (i & 7);
    const rows = this.#streams.map((streams) => streams.map((stream) => stream.bytes(width)));
    const matrix = rows.map((leaves) => sumOf(width, [packed, ...leaves]));
    const v: Uint8Array[] = [];
    const w: Uint8Array[] = [];
    for (const [tree, leaves] of rows.entries()) {
      const missing = 2 ** k - 1 - bitsFrom(this.#secrets, tree * k, k);
      for (let l = 0; l < k; l++) {
        const s = this.#secrets[tree * k + l];
        const clear = leaves.filter((_, x) => ((x >> l) & 1) === 0);
        const alike = leaves.filter((_, x) => ((x >> l) & 1) === s && x !== missing);
        v.push(sumOf(width, clear));
        w.push(sumOf(width, s ? [...alike, matrix[tree]] : alike));
      }
    }
    const shifted = w.map((row, j) => row.map((byte) => (this.#secrets[j] ? ~byte : byte)));
    return {
      matrix: new Uint8Array(Buffer.concat(matrix)),
      receiver: (i) => columnOf(v, i),
      sender: (i) => ({ zero: columnOf(w, i), one: columnOf(shifted, i) }),
    };
  }
}

function sumOf(width: number, rows: readonly Uint8Array[]): Uint8Array {
  const sum = new Uint8Array(width);
  for (const row of rows) for (let i = 0; i < width; i++) sum[i] ^= row[i];
  return sum;
}

/** Bit i of every row, the first in the lowest bit [16 bytes]. */
function columnOf(rows: readonly Uint8Array[], i: number): Uint8Array {
  const column = new Uint8Array(BASE_OTS / 8);
  for (const [j, row] of rows.entries()) column[j >> 3] |= ((row[i >> 3] >> (i & 7)) & 1) << (j & 7);
  return column;
}
