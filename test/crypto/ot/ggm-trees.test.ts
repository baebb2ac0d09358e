import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BASE_OTS } from '../../../crypto/ot/base-ot.ts';
import {
  growTrees,
  OT_TREE_BITS,
  type OtTreeBits,
  punctureTrees,
  treeCount,
  treeSumBytes,
} from '../../../crypto/ot/ggm-trees.ts';
import { deriveSeed } from '../../../crypto/prg.ts';
import { dealBaseOts, fixedBaseOts } from './base-ots.ts';
import { bitsFrom, nodeOf } from './soft-spoken-reference.ts';

/** Both parties' trees, over random base OTs unless others are given. */
function planted(treeBits: OtTreeBits, { pairs, choices } = dealBaseOts()) {
  const grown = growTrees(pairs, treeBits);
  return { pairs, choices, grown, punctured: punctureTrees(choices, treeBits, grown.message) };
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

for (const treeBits of OT_TREE_BITS) {
  const { pairs, choices, grown, punctured } = planted(treeBits);
  /** The choices of a tree as a number, the first in the lowest bit. */
  const secret = (tree: number) => bitsFrom(choices.choices, tree * treeBits, treeBits);
  const last = 2 ** treeBits - 1;

  test(`depth ${treeBits}: leaves are those of the definition, and all differ`, () => {
    assert.equal(grown.trees.length, BASE_OTS / treeBits);
    for (const [tree, leaves] of grown.trees.entries()) {
      assert.equal(leaves.length, 2 ** treeBits);
      for (const [x, leaf] of leaves.entries())
        assert.deepEqual(leaf, nodeOf(pairs, treeBits, tree, x), `tree ${tree}, leaf ${x}`);
    }
    assert.equal(new Set(grown.trees.flat().map(hex)).size, treeCount(treeBits) * 2 ** treeBits);
  });

  test(`depth ${treeBits}: the receiver knows every leaf but the one opposite to its choices`, () => {
    const known = new Set(punctured.trees.flat().map(hex));
    for (const [tree, leaves] of grown.trees.entries()) {
      const s = secret(tree);
      const expected = leaves.map((_, place) => leaves[place ^ s]);
      const missing = expected.pop();
      assert.equal(missing, leaves[last ^ s]);
      assert.deepEqual(punctured.trees[tree], expected);
      assert.ok(missing && !known.has(hex(missing)));
    }
  });

  test(`depth ${treeBits}: nothing that the receiver gets is the missing leaf, nor a node above it`, () => {
    const got = new Set([...choices.seeds, ...punctured.trees.flat()].map(hex));
    for (let i = 0; i < grown.message.length; i += 32) got.add(hex(grown.message.subarray(i, i + 32)));
    for (const tree of grown.trees.keys())
      for (let depth = 1; depth <= treeBits; depth++)
        assert.ok(!got.has(hex(nodeOf(pairs, treeBits, tree, last ^ secret(tree), depth))));
  });

  test(`depth ${treeBits}: with every pattern of choices`, () => {
    const dealt = dealBaseOts();
    for (let pattern = 0; pattern < 2 ** treeBits; pattern++) {
      const bits = dealt.choices.choices.map((_, j) => (pattern >> (j % treeBits)) & 1);
      const seeds = [...bits].map((bit, j) => (bit ? dealt.pairs.one[j] : dealt.pairs.zero[j]));
      const { grown, punctured } = planted(treeBits, {
        ...dealt,
        choices: { choices: bits, seeds, session: dealt.pairs.session },
      });
      for (const [tree, leaves] of grown.trees.entries())
        for (let place = 0; place < last; place++)
          assert.deepEqual(punctured.trees[tree][place], leaves[place ^ pattern]);
    }
  });

  test(`depth ${treeBits}: a message of another length is refused`, () => {
    const length = treeSumBytes(treeBits);
    assert.equal(grown.message.length, length);
    for (const wrong of [length - 1, length + 1, length + 32, 2 * length + 64, 1024])
      assert.throws(() => punctureTrees(choices, treeBits, new Uint8Array(Math.max(1, wrong))), {
        code: 'protocol/length',
      });
  });
}

test('sizes of the messages', () => {
  assert.deepEqual(
    OT_TREE_BITS.map((treeBits) => treeSumBytes(treeBits)),
    [0, 4096, 6144],
  );
  assert.deepEqual(
    OT_TREE_BITS.map((treeBits) => treeCount(treeBits)),
    [128, 64, 32],
  );
});

test('other depths are refused by both parties', () => {
  const { pairs, choices } = dealBaseOts();
  for (const depth of [0, 3, 8, -1, 1.5, Number.NaN] as unknown as OtTreeBits[]) {
    assert.throws(() => growTrees(pairs, depth), { code: 'crypto/input' });
    assert.throws(() => punctureTrees(choices, depth, new Uint8Array(0)), { code: 'crypto/input' });
  }
});

test('every sum of a message is masked by the seed of its side', () => {
  const { pairs, grown } = planted(4);
  for (const [tree, level, side] of [
    [0, 1, 0],
    [0, 3, 1],
    [7, 2, 1],
    [31, 3, 0],
  ]) {
    const seed = (side ? pairs.one : pairs.zero)[4 * tree + level];
    const nodes = Array.from({ length: 2 ** level }, (_, x) =>
      nodeOf(pairs, 4, tree, x + side * 2 ** level, level + 1),
    );
    const expected = nodes.reduce(
      (sum, node) => sum.map((byte, i) => byte ^ node[i]),
      deriveSeed(seed, 'ot-tree-mask'),
    );
    const start = 64 * (3 * tree + level - 1) + 32 * side;
    assert.deepEqual(grown.message.slice(start, start + 32), expected);
  }
});

test('the session is bound to the base OTs and to every byte of the sums', () => {
  const { pairs, choices, grown, punctured } = planted(2);
  assert.deepEqual(grown.session, punctured.session);
  assert.deepEqual(growTrees(pairs, 1).session, pairs.session);
  const sessions = [pairs.session, grown.session, growTrees(pairs, 4).session];
  for (const byte of [0, 2047, 4095]) {
    const changed = grown.message.map((value, i) => (i === byte ? value ^ 0x80 : value));
    sessions.push(punctureTrees(choices, 2, changed).session);
  }
  assert.equal(new Set(sessions.map(hex)).size, 6);
});

test('trees of fixed seeds never change: the other side relies on their bytes', () => {
  const digests = ([2, 4] as const).map((treeBits) => {
    const { message, trees, session } = growTrees(fixedBaseOts().pairs, treeBits);
    const hash = createHash('sha256').update(message).update(Buffer.concat(trees.flat())).update(session);
    return hash.digest('hex').slice(0, 32);
  });
  assert.deepEqual(digests, ['c8a2a0e4367d9893d47a194e13058630', '2082d71c4d8ba67d2bb73fbdd26c9496']);
});
