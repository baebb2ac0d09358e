import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { BaseOtChoices, BaseOtPairs } from '../../../crypto/ot/base-ot.ts';
import {
  CorrelatedOtReceiver,
  CorrelatedOtSender,
  treeMessageBytes,
} from '../../../crypto/ot/correlated-ot.ts';
import { growTrees, OT_TREE_BITS, type OtTreeBits, treeSumBytes } from '../../../crypto/ot/ggm-trees.ts';
import { LeafStreams } from '../../../crypto/ot/leaf-streams.ts';
import { proveTrees, treeProofBytes } from '../../../crypto/ot/tree-check.ts';
import { sha256 } from '../../../platform/node/digest.ts';
import { dealBaseOts, randomBits } from './base-ots.ts';

const INCONSISTENT = { code: 'protocol/inconsistent' };
const SUM_BYTES = 32;

/** The same base OTs, as if the receiver of them had chosen `bits`. */
function choosing(pairs: BaseOtPairs, bits: Uint8Array): BaseOtChoices {
  const seeds = [...bits].map((bit, j) => (bit ? pairs.one[j] : pairs.zero[j]));
  return { choices: bits, seeds, session: pairs.session };
}

const accepted = (choices: BaseOtChoices, treeBits: OtTreeBits, message: Uint8Array) =>
  new CorrelatedOtSender(choices, treeBits, message).close();

for (const treeBits of OT_TREE_BITS) {
  test(`depth ${treeBits}: honest trees pass whatever the choices are`, () => {
    const { pairs } = dealBaseOts();
    const { treeMessage } = new CorrelatedOtReceiver(pairs, treeBits);
    assert.equal(treeMessage.length, treeMessageBytes(treeBits));
    const patterns = [new Uint8Array(128), new Uint8Array(128).fill(1), randomBits(128), randomBits(128)];
    for (const bits of patterns) accepted(choosing(pairs, bits), treeBits, treeMessage);
  });

  test(`depth ${treeBits}: any change of the proof is refused`, () => {
    const { pairs, choices } = dealBaseOts();
    const { treeMessage } = new CorrelatedOtReceiver(pairs, treeBits);
    const first = treeSumBytes(treeBits);
    const steps = treeProofBytes(treeBits) / SUM_BYTES;
    for (const step of new Set([0, 1, steps - 2, steps - 1])) {
      const changed = treeMessage.with(
        first + SUM_BYTES * step + 9,
        treeMessage[first + SUM_BYTES * step + 9] ^ 1,
      );
      assert.throws(() => accepted(choices, treeBits, changed), INCONSISTENT);
    }
  });
}

test('a sender of wrong sums, with a proof made for them, is refused unless it has guessed the choice', () => {
  // The sum on side b of a level reaches a receiver whose choice there is b: the others never use it.
  const { pairs } = dealBaseOts();
  const { trees, message } = growTrees(pairs, 4);
  const { tags } = new LeafStreams(trees, 4);
  for (const [tree, level, side] of [
    [0, 1, 0],
    [0, 1, 1],
    [9, 2, 1],
    [31, 3, 0],
  ]) {
    const at = 64 * (3 * tree + level - 1) + SUM_BYTES * side + 4;
    const sums = message.with(at, message[at] ^ 128);
    const session = sha256('ot-trees', pairs.session, sums);
    const cheating = new Uint8Array(Buffer.concat([sums, proveTrees(session, tags)]));
    const bits = randomBits(128);
    const hit = choosing(pairs, bits.with(4 * tree + level, side));
    assert.throws(() => accepted(hit, 4, cheating), INCONSISTENT);
    const missed = choosing(pairs, bits.with(4 * tree + level, 1 - side));
    accepted(missed, 4, cheating);
  }
});

test('a proof is bound to the sums that it was made for', () => {
  const { pairs, choices } = dealBaseOts();
  const { treeMessage } = new CorrelatedOtReceiver(pairs, 4);
  for (const byte of [0, 3071, 6143])
    assert.throws(() => accepted(choices, 4, treeMessage.with(byte, treeMessage[byte] ^ 1)), INCONSISTENT);
});

test('trees of random sums and proofs are refused', () => {
  const { choices } = dealBaseOts();
  for (let i = 0; i < 5; i++)
    assert.throws(() => accepted(choices, 4, new Uint8Array(randomBytes(treeMessageBytes(4)))), INCONSISTENT);
});
