import type { Score } from '../client/index.ts';
import type { OutputHead } from '../model/head.ts';
import { percent } from './units.ts';

/** Returns the probability or value of a class, label or value as text; null if only the name is known. */
export function figureOf({ p, value }: Score): string | null {
  if (p !== null) return percent(p);
  return value === undefined ? null : Number(value.toPrecision(6)).toString();
}

/** Formats one line for each class, label or value. */
export function describeScores(head: OutputHead, top: readonly Score[]): string[] {
  const figures = top.map((score) => figureOf(score) ?? '');
  const width = Math.max(...figures.map(({ length }) => length), head === 'values' ? 0 : 6);
  return top.map(({ label, p, value }, i) =>
    p === null && value === undefined ? `    ${label}` : `  ${figures[i].padStart(width)}  ${label}`,
  );
}
