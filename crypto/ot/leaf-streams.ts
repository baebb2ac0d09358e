import { foldLeaves } from '../../kernels/fold-leaves.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { MATRIX_ROWS } from '../../kernels/transpose.ts';
import { Prg } from '../prg.ts';
import type { OtTreeBits } from './ggm-trees.ts';

/** Bytes of a leaf's tag: long enough that no two seeds with one tag can be found. */
export const TAG_BYTES = 32;

/**
 * The leaves of a party's trees, each expanded to a stream. The first bytes of a stream are the leaf's tag, for the
 * check of the trees; the rest makes rows of matrices. A leaf that is missing at the end of its tree counts as 0.
 */
export class LeafStreams {
  /** The tags of the leaves of every tree, in the order in which the leaves were given. */
  readonly tags: readonly (readonly Uint8Array[])[];
  readonly #treeBits: OtTreeBits;
  readonly #trees: readonly (readonly Prg[])[];

  /** `trees`: the leaves of each (ggm-trees.ts). They serve one object only: a second one would repeat the streams. */
  constructor(trees: readonly (readonly Uint8Array[])[], treeBits: OtTreeBits) {
    this.#treeBits = treeBits;
    this.#trees = trees.map((leaves) => leaves.map((seed) => new Prg(seed, 'ot-column')));
    this.tags = this.#trees.map((streams) => streams.map((stream) => stream.bytes(TAG_BYTES)));
  }

  /**
   * Continues all streams and fills `matrix` [128 rows of whole blocks, in kernel memory]: row treeBits * tree + l is
   * the sum of the tree's leaves with 0 in bit l of their place. Yields after every tree; `sum` is that of all its
   * leaves [one row], the next tree's takes its place.
   */
  *fill(matrix: Uint8Array, memory: KernelMemory): Generator<{ tree: number; sum: Uint8Array }> {
    const length = matrix.length / MATRIX_ROWS;
    const leaves = memory.bytes(2 ** this.#treeBits * length).fill(0);
    const places = Array.from({ length: 2 ** this.#treeBits }, (_, x) =>
      leaves.subarray(x * length, (x + 1) * length),
    );
    const sum = memory.bytes(length);
    for (const [tree, streams] of this.#trees.entries()) {
      for (const [x, stream] of streams.entries()) stream.fill(places[x]);
      foldLeaves(this.#treeBits, leaves, matrix.subarray(tree * this.#treeBits * length), sum);
      yield { tree, sum };
    }
  }

  /** Frees all streams. */
  close(): void {
    for (const stream of this.#trees.flat()) stream.close();
  }
}
