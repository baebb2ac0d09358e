import { SphynxError } from '../../errors/sphynx-error.ts';
import { PUBLISHED, type Published } from './published.ts';

/** A published network that can be measured. */
export type Row = Published & { readonly model: string };

export const ROWS: readonly Row[] = PUBLISHED.filter((row): row is Row => row.model !== undefined);

/** The rows whose model, method or data set begins with one of the words, whatever the case. Throws 'config/invalid' for a word without rows. */
export function rowsNamed(words: readonly string[]): Row[] {
  const begins = (row: Row, word: string) =>
    [row.model, row.method, row.dataset].some((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  const idle = words.find((word) => !ROWS.some((row) => begins(row, word)));
  if (idle !== undefined) throw new SphynxError('config/invalid', `no row of the papers begins with ${idle}`);
  return ROWS.filter((row) => words.some((word) => begins(row, word)));
}
