import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldLeaves } from '../../kernels/fold-leaves.ts';
import { inWorkspace, randomBlocks, toBlocks } from '../support/block-reference.ts';

/** What the rooms are filled with, as a block. */
const GARBAGE = toBlocks(new Uint8Array(16).fill(0xa5))[0];

for (const treeBits of [1, 2, 4] as const)
  test(`sums of ${2 ** treeBits} leaves: those without bit l of their number, and all`, () => {
    fc.assert(
      fc.property(fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 70 })), (count) => {
        const leaves = Array.from({ length: 2 ** treeBits }, () => randomBlocks(count));
        const sumOf = (summands: bigint[][]) =>
          Array.from({ length: count }, (_, i) => summands.reduce((sum, leaf) => sum ^ leaf[i], 0n));
        inWorkspace(({ put, room }) => {
          const input = put(leaves.flat());
          const rows = room(treeBits * count);
          const sum = room(count);
          const behind = room(1);
          foldLeaves(treeBits, input, rows, sum);
          const without = Array.from({ length: treeBits }, (_, l) =>
            sumOf(leaves.filter((_, x) => ((x >> l) & 1) === 0)),
          );
          assert.deepEqual(toBlocks(rows), without.flat());
          assert.deepEqual(toBlocks(sum), sumOf(leaves));
          assert.deepEqual(toBlocks(input), leaves.flat(), 'the leaves are left alone');
          assert.deepEqual(toBlocks(behind), [GARBAGE], 'nothing is written behind the sum');
        });
      }),
      { numRuns: 40 },
    );
  });
