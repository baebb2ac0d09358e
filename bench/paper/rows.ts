import { SphynxError } from '../../errors/sphynx-error.ts';
import { PUBLISHED, type Published } from './published.ts';

/** A published network that can be measured. */
export type Row = Published & { readonly model: string };

export const ROWS: readonly Row[] = PUBLISHED.filter((row): row is Row => row.model !== undefined);

/**
 * Returns the row of every word that is a model, and the rows whose model, method or data set begins with another word,
 * ignoring case. Throws 'config/invalid' for a word without rows.
 */
export function rowsNamed(words: readonly string[]): Row[] {
  const chosen = new Set(words.flatMap(rowsOf));
  return ROWS.filter((row) => chosen.has(row));
}

function rowsOf(word: string): Row[] {
  const exact = ROWS.filter(({ model }) => model === word);
  const begins = (name: string) => name.toLowerCase().startsWith(word.toLowerCase());
  const rows =
    exact.length > 0 ? exact : ROWS.filter((row) => [row.model, row.method, row.dataset].some(begins));
  if (rows.length === 0) throw new SphynxError('config/invalid', `no row of the papers begins with ${word}`);
  return rows;
}
