import { kernels } from './load.ts';

/**
 * Sums over GF(2) that the rows of a public random matrix choose among columns of an oblivious transfer matrix. All
 * arrays in kernel memory. `rows` [CHECK_ROW_BYTES per group]: of every group of COLUMN_GROUP columns, four bits of row
 * j in the low and of row 32 + j in the high half of byte j.
 */

/** Rows of the public matrix, which is the number of sums. */
export const CHECK_ROWS = 64;

/** Columns that are worked on together. */
export const COLUMN_GROUP = 4;

/** Bytes of the public matrix per group of columns. */
export const CHECK_ROW_BYTES = (CHECK_ROWS * COLUMN_GROUP) / 8;

/** Bytes of working memory of `foldColumns`. */
const TABLE_BYTES = 256;

/** sums[j] ^= the columns [16 bytes each] that row j chooses; 64 blocks. */
export function foldColumns(columns: Uint8Array, rows: Uint8Array, sums: Uint8Array): void {
  const { memory, call } = kernels();
  memory.scope(() => {
    const table = memory.bytes(TABLE_BYTES);
    const at = (view: Uint8Array) => memory.address(view);
    call.foldColumns(at(columns), at(rows), at(sums), at(table), rows.length / CHECK_ROW_BYTES);
    table.fill(0);
  });
}

/** sums[j] ^= the choices [one byte 0 or 1 each] that row j chooses; 64 bytes. In constant time. */
export function foldChoices(choices: Uint8Array, rows: Uint8Array, sums: Uint8Array): void {
  const { memory, call } = kernels();
  const at = (view: Uint8Array) => memory.address(view);
  call.foldChoices(at(choices), at(rows), at(sums), rows.length / CHECK_ROW_BYTES);
}
