import { sha256 } from '#platform/digest';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { joinBytes } from '../join-bytes.ts';
import { type OtTreeBits, treeCount } from './ggm-trees.ts';
import { TAG_BYTES } from './leaf-streams.ts';
import { select } from './select.ts';

/**
 * The consistency check of the seed trees (SoftSpokenOT: Roy, CRYPTO 2022, against malicious senders of trees). Without it a sender of wrong sums learns from the receiver's later behaviour which leaf is
 * missing, and with it bits of the receiver's choices.
 *
 * Every leaf has a tag (leaf-streams.ts). The sender sends for each tree the sum of all its tags, and one hash of the
 * tags of all trees. The receiver knows all tags of a tree but one, gets that one from the sum, and compares the
 * hash. Wrong sums pass only if the sender has guessed the choices that they concern.
 */

/** Bytes of the sender's proof: a sum of tags per tree, and the hash. */
export function treeProofBytes(treeBits: OtTreeBits): number {
  return (treeCount(treeBits) + 1) * TAG_BYTES;
}

/** The sender's proof. `tags`: of all leaves of every tree, in the order of their numbers. */
export function proveTrees(session: Uint8Array, tags: readonly (readonly Uint8Array[])[]): Uint8Array {
  const sums = tags.map((tree) => sum(tree));
  return joinBytes([...sums, digest(session, tags)]);
}

/**
 * The receiver's check. `choices`: of the base OTs; `tags`: of the leaves that it knows, leaf x of a tree at place x
 * xor s, as `punctureTrees` puts them. Throws 'protocol/inconsistent' if the trees are not those of the sender, and
 * 'protocol/length' if the proof has another length. The session must then end, because the sender could otherwise
 * guess again.
 */
export function checkTrees(
  session: Uint8Array,
  choices: Uint8Array,
  tags: readonly (readonly Uint8Array[])[],
  proof: Uint8Array,
): void {
  const expected = (tags.length + 1) * TAG_BYTES;
  if (proof.length !== expected)
    throw new SphynxError(
      'protocol/length',
      `OT trees: expected a proof of ${expected} bytes, got ${proof.length}`,
    );
  const treeBits = choices.length / tags.length;
  const part = (i: number) => proof.subarray(TAG_BYTES * i, TAG_BYTES * (i + 1));
  const complete = tags.map((known, tree) => {
    const places = [...known, sum([...known, part(tree)])];
    return inOrder(places, choices.subarray(tree * treeBits, (tree + 1) * treeBits));
  });
  const computed = digest(session, complete);
  let difference = 0;
  for (const [i, byte] of part(tags.length).entries()) difference |= byte ^ computed[i];
  if (difference !== 0)
    throw new SphynxError(
      'protocol/inconsistent',
      'the trees of the oblivious transfers contradict each other; this session ends, open a new one',
    );
}

/** The tags in the order of their leaves' numbers, from places x xor s; without an index or a branch that depends on s. */
function inOrder(places: Uint8Array[], choices: Uint8Array): Uint8Array[] {
  const tags = [...places];
  for (const [level, choice] of choices.entries())
    for (let low = 0; low < tags.length; low++) {
      const high = low | (1 << level);
      if (high === low) continue;
      const [a, b] = [tags[low], tags[high]];
      tags[low] = select(choice, a, b);
      tags[high] = select(choice, b, a);
    }
  return tags;
}

function digest(session: Uint8Array, tags: readonly (readonly Uint8Array[])[]): Uint8Array {
  return sha256('ot-tree-check', session, ...tags.flat());
}

function sum(tags: readonly Uint8Array[]): Uint8Array {
  const total = new Uint8Array(TAG_BYTES);
  for (const tag of tags) for (let i = 0; i < TAG_BYTES; i++) total[i] ^= tag[i];
  return total;
}
