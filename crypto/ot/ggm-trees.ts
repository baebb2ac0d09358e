import { sha256 } from '#platform/digest';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { deriveSeed, SEED_BYTES } from '../prg.ts';
import { BASE_OTS, type BaseOtChoices, type BaseOtPairs } from './base-ot.ts';
import { select } from './select.ts';

/**
 * Trees of seeds (Goldreich, Goldwasser, Micali, J. ACM 1986) of depth k = `treeBits`, each from k base OTs. The
 * base OTs' sender knows all 2^k leaves of a tree, their receiver all but one (SoftSpokenOT: Roy, CRYPTO 2022).
 *
 * Bit l of a leaf's number is the side, 0 or 1, that the path to it takes at level l. The two nodes below the root
 * are the seeds of the tree's first base OT; every node of level l + 1 is derived from its parent and its side. For
 * every level but the first the sender sends the sum of all nodes on side 0 and that of all on side 1, masked by
 * the seeds of the level's base OT. The receiver lacks one node of a level and hence its two children; the sum on
 * the side of its choice gives it the one there. So the leaf that it lacks is on the other side at every level.
 */

/** Depths of trees. At 1 a tree is the two seeds of one base OT, as in IKNP. */
export const OT_TREE_BITS = [1, 2, 4] as const;
export type OtTreeBits = (typeof OT_TREE_BITS)[number];

/** A party's trees after the protocol. */
export interface SeedTrees {
  /** The leaves of every tree (32 bytes each). */
  readonly trees: readonly (readonly Uint8Array[])[];
  /** Binds this session: a hash of all messages so far. */
  readonly session: Uint8Array;
}

/** Trees of a session. Throws 'crypto/input' on another depth than those above. */
export function treeCount(treeBits: OtTreeBits): number {
  if (!OT_TREE_BITS.includes(treeBits))
    throw new SphynxError('crypto/input', `expected OT trees of depth ${OT_TREE_BITS}, got ${treeBits}`);
  return BASE_OTS / treeBits;
}

/** Bytes of the sums, tree after tree, from the second level down: 0, 4,096 or 6,144. */
export function treeSumBytes(treeBits: OtTreeBits): number {
  return treeCount(treeBits) * (treeBits - 1) * 2 * SEED_BYTES;
}

/** The sender's trees, 2^k leaves each in the order of their numbers, and the sums for the receiver. */
export function growTrees(
  { zero, one, session }: BaseOtPairs,
  treeBits: OtTreeBits,
): SeedTrees & { readonly message: Uint8Array } {
  const message = new Uint8Array(treeSumBytes(treeBits));
  const trees: Uint8Array[][] = [];
  for (let root = 0; root < BASE_OTS; root += treeBits) {
    let nodes = [zero[root], one[root]];
    for (let level = root + 1; level < root + treeBits; level++) {
      const [left, right] = childrenOf(nodes);
      const [leftSum, rightSum] = sumsOf(message, treeBits, level);
      leftSum.set(sum([...left, mask(zero[level])]));
      rightSum.set(sum([...right, mask(one[level])]));
      nodes = [...left, ...right];
    }
    trees.push(nodes);
  }
  return { trees, session: bind(session, message), message };
}

/**
 * The receiver's trees, 2^k - 1 leaves each: leaf x stands at place x xor s, where s are the choices of the tree's
 * base OTs, the first in the lowest bit. The missing leaf would stand at the last place, whatever s is. Throws
 * 'protocol/length' on a message of another length.
 */
export function punctureTrees(
  { choices, seeds, session }: BaseOtChoices,
  treeBits: OtTreeBits,
  message: Uint8Array,
): SeedTrees {
  if (message.length !== treeSumBytes(treeBits))
    throw new SphynxError(
      'protocol/length',
      `OT trees: expected ${treeSumBytes(treeBits)} bytes of sums, got ${message.length}`,
    );
  const trees: Uint8Array[][] = [];
  for (let root = 0; root < BASE_OTS; root += treeBits) {
    let nodes = [seeds[root]];
    for (let level = root + 1; level < root + treeBits; level++) {
      const [left, right] = childrenOf(nodes);
      const [leftSum, rightSum] = sumsOf(message, treeBits, level);
      const choose = (zero: Uint8Array, one: Uint8Array) => select(choices[level], zero, one);
      const chosen = left.map((node, i) => choose(node, right[i]));
      const other = left.map((node, i) => choose(right[i], node));
      const regained = sum([...chosen, choose(leftSum, rightSum), mask(seeds[level])]);
      nodes = [...chosen, regained, ...other];
    }
    trees.push(nodes);
  }
  return { trees, session: bind(session, message) };
}

/** The children of `nodes` on side 0 and on side 1. */
function childrenOf(nodes: readonly Uint8Array[]): [left: Uint8Array[], right: Uint8Array[]] {
  return [
    nodes.map((node) => deriveSeed(node, 'ot-tree-left')),
    nodes.map((node) => deriveSeed(node, 'ot-tree-right')),
  ];
}

function mask(seed: Uint8Array): Uint8Array {
  return deriveSeed(seed, 'ot-tree-mask');
}

/** Where both sums of a level stand in the message. `level`: the number of its base OT, which is not its tree's first. */
function sumsOf(message: Uint8Array, treeBits: OtTreeBits, level: number): [Uint8Array, Uint8Array] {
  const start = 2 * SEED_BYTES * (level - Math.floor(level / treeBits) - 1);
  return [
    message.subarray(start, start + SEED_BYTES),
    message.subarray(start + SEED_BYTES, start + 2 * SEED_BYTES),
  ];
}

function sum(seeds: readonly Uint8Array[]): Uint8Array {
  const total = new Uint8Array(SEED_BYTES);
  for (const seed of seeds) for (let i = 0; i < SEED_BYTES; i++) total[i] ^= seed[i];
  return total;
}

/** The session of the base OTs, bound to the sums too where there are any. */
function bind(session: Uint8Array, message: Uint8Array): Uint8Array {
  if (message.length === 0) return session;
  return sha256('ot-trees', session, message);
}
