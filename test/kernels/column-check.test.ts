import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CHECK_ROW_BYTES,
  CHECK_ROWS,
  COLUMN_GROUP,
  foldChoices,
  foldColumns,
} from '../../kernels/column-check.ts';
import { inWorkspace, randomBlocks, toBlocks } from '../support/block-reference.ts';

/** Whether row `j` chooses column `i`, by the layout of the rows. */
function chooses(rows: Uint8Array, j: number, i: number): boolean {
  const byte = rows[CHECK_ROW_BYTES * Math.floor(i / COLUMN_GROUP) + (j & 31)];
  return ((byte >> ((j < 32 ? 0 : 4) + (i % COLUMN_GROUP))) & 1) === 1;
}

const groups = fc.integer({ min: 1, max: 40 });
const rowsOf = (count: number) =>
  fc.constantFrom(0, 255, null).map((byte) => {
    const length = count * CHECK_ROW_BYTES;
    return byte === null ? new Uint8Array(randomBytes(length)) : new Uint8Array(length).fill(byte);
  });

test('every sum is that of the columns that its row chooses, added to what was there', () => {
  fc.assert(
    fc.property(
      groups.chain((count) => fc.tuple(fc.constant(count), rowsOf(count))),
      ([count, rows]) => {
        const columns = randomBlocks(COLUMN_GROUP * count);
        const before = randomBlocks(CHECK_ROWS);
        inWorkspace(({ memory, put }) => {
          const sums = put(before);
          const placed = memory.bytes(rows.length);
          placed.set(rows);
          foldColumns(put(columns), placed, sums);
          const expected = before.map((sum, j) =>
            columns.reduce((total, column, i) => (chooses(rows, j, i) ? total ^ column : total), sum),
          );
          assert.deepEqual(toBlocks(sums), expected);
        });
      },
    ),
  );
});

test('the sums over choices follow the same rows', () => {
  fc.assert(
    fc.property(
      groups.chain((count) => fc.tuple(fc.constant(count), rowsOf(count), fc.constantFrom(0, 1, null))),
      ([count, rows, fixed]) => {
        const choices = new Uint8Array(randomBytes(COLUMN_GROUP * count)).map((byte) => fixed ?? byte & 1);
        const before = new Uint8Array(randomBytes(CHECK_ROWS)).map((byte) => byte & 1);
        inWorkspace(({ memory }) => {
          const [placed, bits, sums] = [rows, choices, before].map((bytes) => {
            const copy = memory.bytes(bytes.length);
            copy.set(bytes);
            return copy;
          });
          foldChoices(bits, placed, sums);
          const expected = before.map((sum, j) =>
            choices.reduce((total, choice, i) => (chooses(rows, j, i) ? total ^ choice : total), sum),
          );
          assert.deepEqual(new Uint8Array(sums), expected);
        });
      },
    ),
  );
});
