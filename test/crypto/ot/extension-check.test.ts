import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BASE_OTS } from '../../../crypto/ot/base-ot.ts';
import { CorrelatedOtReceiver, CorrelatedOtSender, otMatrixBytes } from '../../../crypto/ot/correlated-ot.ts';
import {
  CHALLENGE_BYTES,
  checkChoices,
  checkedTransferBytes,
  PROOF_BYTES,
  proveChoices,
  SPARE_TRANSFERS,
} from '../../../crypto/ot/extension-check.ts';
import { OT_TREE_BITS, type OtTreeBits } from '../../../crypto/ot/ggm-trees.ts';
import { dealBaseOts, randomBits } from './base-ots.ts';

type Matrices = Uint8Array[];

/** One check over runs of transfers; `cheat` changes the matrices on their way, the last being that of the spare ones. */
function rehearse(
  runs: readonly Uint8Array[],
  treeBits: OtTreeBits = 4,
  cheat: (matrices: Matrices, base: Uint8Array) => void = () => {},
) {
  const { pairs, choices: base } = dealBaseOts();
  const receiver = new CorrelatedOtReceiver(pairs, treeBits);
  const sender = new CorrelatedOtSender(base, treeBits, receiver.treeMessage);
  const chosen = [...runs, randomBits(SPARE_TRANSFERS)].map((choices) => ({
    choices,
    ...receiver.extend(choices),
  }));
  cheat(
    chosen.map(({ matrix }) => matrix),
    base.choices,
  );
  const zero = chosen.map(({ choices, matrix }) => sender.extend(choices.length, matrix));
  const challenge = new Uint8Array(randomBytes(CHALLENGE_BYTES));
  const spare = chosen.pop() as (typeof chosen)[number];
  const spareZero = zero.pop() as Uint8Array;
  const proof = proveChoices(challenge, chosen, spare);
  const check = (of = proof, by = challenge) => checkChoices(by, zero, spareZero, sender.delta, of);
  return { chosen, spare, zero, spareZero, challenge, proof, check, sender };
}

const INCONSISTENT = { code: 'protocol/inconsistent' };

/** Changes transfer `i` of a matrix of `count` in row `tree`. */
function flip(matrix: Uint8Array, count: number, tree: number, i: number): void {
  const width = otMatrixBytes(count, 1) / BASE_OTS;
  matrix[tree * width + (i >> 3)] ^= 1 << (i & 7);
}

describe('an honest receiver', () => {
  for (const treeBits of OT_TREE_BITS)
    test(`passes, for any runs and choices, with trees of depth ${treeBits}`, () => {
      const runs = fc.array(fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 2047, 2048, 2049, 5000)), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(
        fc.property(runs, fc.constantFrom(0, 1, null), (counts, fixed) => {
          const choices = counts.map((count) =>
            fixed === null ? randomBits(count) : new Uint8Array(count).fill(fixed),
          );
          rehearse(choices, treeBits).check();
        }),
        { numRuns: 15 },
      );
    });

  test('sends a proof that says nothing about its choices: all of it changes with the spare ones', () => {
    const seen = new Set<string>();
    const ones = new Array<number>(8 * 8).fill(0);
    const rounds = 60;
    for (let i = 0; i < rounds; i++) {
      const { proof } = rehearse([new Uint8Array(128)]);
      seen.add(Buffer.from(proof).toString('hex'));
      for (const bit of ones.keys()) ones[bit] += (proof[bit >> 3] >> (bit & 7)) & 1;
    }
    assert.equal(seen.size, rounds);
    for (const count of ones) assert.ok(Math.abs(count - rounds / 2) < 7 * Math.sqrt(rounds / 4));
  });
});

describe('a receiver that cheats', () => {
  const COUNT = 1000;
  const run = () => [randomBits(COUNT), randomBits(300)];

  test('by one flipped bit of one row is refused, unless it has guessed the choices of that row’s tree', () => {
    // A guess is the claim that Delta is 0 at the tree's bits: then the row counts nowhere.
    let [refused, passed] = [0, 0];
    for (let attempt = 0; attempt < 60; attempt++) {
      const tree = attempt % 32;
      let guessed = false;
      const { check } = rehearse(run(), 4, (matrices, base) => {
        flip(matrices[0], COUNT, tree, 137);
        guessed = base.subarray(4 * tree, 4 * tree + 4).every((bit) => bit === 0);
      });
      if (guessed) {
        check();
        passed++;
      } else {
        assert.throws(() => check(), INCONSISTENT);
        refused++;
      }
    }
    assert.equal(refused + passed, 60);
    assert.ok(refused > 40);
  });

  test('in the attack that told Delta under an unchecked extension, is refused before any table', () => {
    // One row of every tree is flipped at a transfer of its own: the labels would then differ by those bits of Delta.
    const { check, zero, chosen, sender } = rehearse([randomBits(COUNT)], 4, (matrices) => {
      for (let tree = 0; tree < 32; tree++) flip(matrices[0], COUNT, tree, tree);
    });
    const told = Array.from({ length: 32 }, (_, i) => {
      const label = zero[0].subarray(16 * i, 16 * i + 16);
      const { labels, choices } = chosen[0];
      const own = labels.subarray(16 * i, 16 * i + 16);
      return label.map((byte, j) => byte ^ own[j] ^ (choices[i] ? sender.delta[j] : 0));
    });
    const delta = told.reduce((sum, part) => sum.map((byte, j) => byte ^ part[j]), new Uint8Array(16));
    assert.deepEqual(delta, sender.delta, 'the attack works where nobody checks');
    assert.throws(() => check(), INCONSISTENT);
  });

  test('in the padding of a matrix gains nothing: no label comes from there', () => {
    const honest = randomBits(COUNT);
    const { check } = rehearse([honest], 4, (matrices) => {
      for (let tree = 0; tree < 32; tree++) flip(matrices[0], COUNT, tree, COUNT + 3);
    });
    check();
  });

  test('in the spare transfers, or with other choices for them in one row, is refused', () => {
    const { check } = rehearse(run(), 4, (matrices) => {
      for (let tree = 1; tree < 32; tree++) flip(matrices[2], SPARE_TRANSFERS, tree, 5);
    });
    assert.throws(() => check(), INCONSISTENT);
  });

  test('with random rows, with rows of zeros, or with another matrix is refused', () => {
    for (const fill of [
      (matrix: Uint8Array) => matrix.set(randomBytes(matrix.length)),
      (matrix: Uint8Array) => matrix.fill(0),
      (matrix: Uint8Array) => matrix.fill(255),
    ]) {
      const { check } = rehearse(run(), 4, ([first]) => fill(first));
      assert.throws(() => check(), INCONSISTENT);
    }
  });

  test('in its proof is refused: every byte counts, and so do the challenge and its freshness', () => {
    const { check, proof, chosen, spare } = rehearse(run());
    for (let byte = 0; byte < PROOF_BYTES; byte++)
      assert.throws(() => check(proof.with(byte, proof[byte] ^ 16)), INCONSISTENT);
    const other = new Uint8Array(randomBytes(CHALLENGE_BYTES));
    assert.throws(() => check(proof, other), INCONSISTENT);
    check(proveChoices(other, chosen, spare), other);
    for (const wrong of [proof.subarray(1), new Uint8Array(0), new Uint8Array(PROOF_BYTES + 1)])
      assert.throws(() => check(wrong), { code: 'protocol/length' });
  });

  test('may turn its choices round in all rows alike: these are then its choices', () => {
    const choices = randomBits(COUNT);
    const { challenge, chosen, spare, check } = rehearse([choices], 4, ([matrix]) => {
      for (let tree = 0; tree < 32; tree++) flip(matrix, COUNT, tree, 7);
    });
    assert.throws(() => check(), INCONSISTENT);
    const turned = choices.with(7, choices[7] ^ 1);
    check(proveChoices(challenge, [{ choices: turned, labels: chosen[0].labels }], spare));
  });
});

test('what a check costs: one matrix for the spare transfers, a challenge and a proof', () => {
  assert.deepEqual(checkedTransferBytes([], 4), { up: 0, down: 0 });
  assert.deepEqual(checkedTransferBytes([24576, 128], 4), { up: 24576 * 4 + 512 + 512 + 40, down: 32 });
  assert.throws(
    () =>
      proveChoices(new Uint8Array(CHALLENGE_BYTES), [], {
        choices: randomBits(8),
        labels: new Uint8Array(128),
      }),
    {
      code: 'crypto/input',
    },
  );
});
