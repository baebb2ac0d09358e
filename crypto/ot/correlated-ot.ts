import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, xorBlocks } from '../../kernels/blocks.ts';
import { MATRIX_ROWS, transpose, xorIf } from '../../kernels/transpose.ts';
import { inKernelMemory } from '../hash.ts';
import type { BaseOtChoices, BaseOtPairs } from './base-ot.ts';
import { packBits } from './bits.ts';
import { growTrees, type OtTreeBits, punctureTrees, treeCount, treeSumBytes } from './ggm-trees.ts';
import { LeafStreams } from './leaf-streams.ts';
import { checkTrees, proveTrees, treeProofBytes } from './tree-check.ts';

export type { OtTreeBits } from './ggm-trees.ts';

/**
 * Correlated OT by extension: SoftSpokenOT (Roy, CRYPTO 2022, section 3, with the repetition code), which for trees
 * of depth k = 1 is IKNP (Ishai, Kilian, Nissim, Petrank, CRYPTO 2003). Column i of the matrices belongs to transfer
 * i. With r_x the stream of leaf x of a tree (ggm-trees.ts), sums over all x, the receiver sends one row per tree,
 *
 *     u = choices + sum of r_x
 *
 * and has k rows v_l = sum of r_x where bit l of x is 0. The sender knows its base OTs' choices s_l for the tree and
 * all r_x but that of x = not s, and has k rows
 *
 *     w_l = sum of r_x where bit l of x is s_l, plus s_l * u = v_l + s_l * choices.
 *
 * So over all 128 rows column i is w_i = v_i + choice_i * Delta, where Delta are the sender's choices s. These columns
 * are the labels of wires, w_i for 0 and w_i + Delta for 1, and the receiver holds v_i, the label of its choice. The
 * first base OT's choice is 1, so that Delta has the colour bit of free XOR (gadget.ts). The streams continue from
 * call to call, so nothing repeats within a session; a session's state is never stored.
 *
 * The receiver's rows are held to one set of choices by extension-check.ts, the trees by tree-check.ts. Until both
 * have passed, nothing that depends on Delta may reach the receiver.
 *
 * The matrix goes over the wire row after row, but is worked on in blocks of columns: kernel memory stays small
 * whatever the count.
 */

/**
 * Bytes of every row in one block (8 transfers each), so that a block takes at most 6.5 MiB of kernel memory. Not a
 * power of two: the transpose steps from row to row, and such steps would fall on the same lines of the cache.
 */
const BLOCK_WIDTH = 8128;

/** Transfers of one block: extending fewer at once takes as many calls of the cipher. */
export const BLOCK_TRANSFERS = 8 * BLOCK_WIDTH;

/** Most transfers of one session, padding included: every stream has then made 2^24 AES blocks, far from repeating. */
export const SESSION_TRANSFERS = 2 ** 31;

/** Bytes of the receiver's message about its trees: their sums and the proof that they are sound. */
export function treeMessageBytes(treeBits: OtTreeBits): number {
  return treeSumBytes(treeBits) + treeProofBytes(treeBits);
}

/**
 * Bytes of matrix for `count` transfers: 16 / treeBits each, rounded up to whole blocks of 128 transfers. Throws
 * 'crypto/input' if `count` is not a number of transfers that a session can make.
 */
export function otMatrixBytes(count: number, treeBits: OtTreeBits): number {
  if (!Number.isSafeInteger(count) || count < 0 || count > SESSION_TRANSFERS)
    throw new SphynxError('crypto/input', `expected 0 to ${SESSION_TRANSFERS} transfers, got ${count}`);
  return treeCount(treeBits) * rowBytes(count);
}

function rowBytes(count: number): number {
  return Math.ceil(count / 128) * 16;
}

/** Counts the transfers of a session. */
class TransferCount {
  #made = 0;

  /** Throws 'crypto/input', counting none, at the session's limit. */
  add(count: number): void {
    if (this.#made + count > SESSION_TRANSFERS)
      throw new SphynxError('crypto/input', 'this session has made all its transfers; open a new one');
    this.#made += count;
  }
}

/** The client's half, which chooses. */
export class CorrelatedOtReceiver {
  #closed = false;
  /** For the sender, once, before the first matrix [treeMessageBytes]. */
  readonly treeMessage: Uint8Array;
  readonly #treeBits: OtTreeBits;
  readonly #leaves: LeafStreams;
  readonly #count = new TransferCount();

  /** `pairs` serve one receiver only: a second one would repeat the streams, which hide the choices. */
  constructor(pairs: BaseOtPairs, treeBits: OtTreeBits) {
    const { trees, session, message } = growTrees(pairs, treeBits);
    this.#treeBits = treeBits;
    this.#leaves = new LeafStreams(trees, treeBits);
    this.treeMessage = new Uint8Array(treeMessageBytes(treeBits));
    this.treeMessage.set(message);
    this.treeMessage.set(proveTrees(session, this.#leaves.tags), message.length);
  }

  /** Frees the session's streams. The object is refused afterwards. */
  close(): void {
    this.#closed = true;
    this.#leaves.close();
  }

  /**
   * One transfer per byte of `choices`, each 0 or 1. `matrix` [otMatrixBytes] is for the sender; `labels` [16 * count
   * bytes] are the labels of the choices. Throws 'crypto/input' on other bytes and at the session's limit,
   * 'protocol/order' once it is closed.
   */
  extend(choices: Uint8Array): { matrix: Uint8Array; labels: Uint8Array } {
    if (this.#closed) throw new SphynxError('protocol/order', 'the session is closed; open a new one');
    const count = choices.length;
    checkBits(choices);
    const width = rowBytes(count);
    this.#count.add(8 * width);
    const packed = packBits(choices, width);
    const matrix = new Uint8Array(otMatrixBytes(count, this.#treeBits));
    const labels = new Uint8Array(BLOCK_BYTES * count);
    for (const { start, length } of blocksOf(width))
      inKernelMemory((memory) => {
        const bits = memory.bytes(length);
        bits.set(packed.subarray(start, start + length));
        const own = memory.bytes(MATRIX_ROWS * length);
        for (const { tree, sum } of this.#leaves.fill(own, memory)) {
          xorBlocks(sum, bits);
          matrix.set(sum, tree * width + start);
        }
        const columns = memory.bytes(MATRIX_ROWS * length);
        transpose(own, columns);
        put(labels, start, columns);
      });
    return { matrix, labels };
  }
}

/** The server's half, which obtains the label for 0 of every transfer; the label for 1 is its sum with Delta. */
export class CorrelatedOtSender {
  /** The difference of the two labels of every transfer of this session [16 bytes], secret; its colour bit is 1. */
  readonly delta: Uint8Array;
  readonly #choices: Uint8Array;
  readonly #treeBits: OtTreeBits;
  readonly #leaves: LeafStreams;
  readonly #count = new TransferCount();

  /**
   * `choices` serve one sender only, as the receiver's pairs do; the first is 1. `treeMessage`: the receiver's. Throws
   * 'protocol/length' if it has another length, 'protocol/inconsistent' if the receiver's trees are not sound.
   */
  constructor(choices: BaseOtChoices, treeBits: OtTreeBits, treeMessage: Uint8Array) {
    const expected = treeMessageBytes(treeBits);
    if (treeMessage.length !== expected)
      throw new SphynxError(
        'protocol/length',
        `OT trees: expected ${expected} bytes, got ${treeMessage.length}`,
      );
    const sums = treeSumBytes(treeBits);
    const { trees, session } = punctureTrees(choices, treeBits, treeMessage.subarray(0, sums));
    this.delta = packBits(choices.choices, BLOCK_BYTES);
    this.#choices = choices.choices;
    this.#treeBits = treeBits;
    this.#leaves = new LeafStreams(trees, treeBits);
    try {
      checkTrees(session, choices.choices, this.#leaves.tags, treeMessage.subarray(sums));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Frees the session's streams. The object must not be used afterwards. */
  close(): void {
    this.#leaves.close();
  }

  /**
   * The labels for 0 of `count` transfers [16 * count bytes]. Throws 'protocol/length' on a matrix of the wrong size,
   * 'crypto/input' at the session's limit.
   */
  extend(count: number, matrix: Uint8Array): Uint8Array {
    const expected = otMatrixBytes(count, this.#treeBits);
    if (matrix.length !== expected)
      throw new SphynxError('protocol/length', `OT matrix: expected ${expected} bytes, got ${matrix.length}`);
    const width = rowBytes(count);
    this.#count.add(8 * width);
    const labels = new Uint8Array(BLOCK_BYTES * count);
    for (const { start, length } of blocksOf(width))
      inKernelMemory((memory) => {
        const received = memory.bytes(length);
        const own = memory.bytes(MATRIX_ROWS * length);
        for (const { tree } of this.#leaves.fill(own, memory)) {
          received.set(matrix.subarray(tree * width + start, tree * width + start + length));
          for (let j = tree * this.#treeBits; j < (tree + 1) * this.#treeBits; j++)
            xorIf(this.#choices[j], own.subarray(j * length, (j + 1) * length), received);
        }
        const columns = memory.bytes(MATRIX_ROWS * length);
        transpose(own, columns);
        put(labels, start, columns);
      });
    return labels;
  }
}

/** Where the blocks of a matrix begin and how long they are, in bytes of its rows. */
function* blocksOf(width: number): Generator<{ start: number; length: number }> {
  for (let start = 0; start < width; start += BLOCK_WIDTH)
    yield { start, length: Math.min(BLOCK_WIDTH, width - start) };
}

/** Writes the columns of the block at byte `start` of the rows into `labels`, without those of padding transfers. */
function put(labels: Uint8Array, start: number, columns: Uint8Array): void {
  const offset = 8 * start * BLOCK_BYTES;
  labels.set(columns.subarray(0, labels.length - offset), offset);
}

/** Checks all bytes together, so that all honest choices take the same path. */
function checkBits(bits: Uint8Array): void {
  let all = 0;
  for (let i = 0; i < bits.length; i++) all |= bits[i];
  if (all > 1) throw new SphynxError('crypto/input', 'OT choices: expected bytes 0 and 1');
}
