import type { Score } from '../client/index.ts';
import type { OutputHead } from '../model/head.ts';
import { percent } from './units.ts';

/** What there is to a class, label or value besides its name: its probability, or the number; null where only the name is told. */
export function figureOf({ p, value }: Score): string | null {
  if (p !== null) return percent(p);
  return value === undefined ? null : Number(value.toPrecision(6)).toString();
}

/** A line for each class, label or value. */
export function describeScores(head: OutputHead, top: readonly Score[]): string[] {
  const figures = top.map((score) => figureOf(score) ?? '');
  const width = Math.max(...figures.map(({ length }) => length), head === 'values' ? 0 : 6);
  return top.map(({ label, p, value }, i) =>
    p === null && value === undefined ? `    ${label}` : `  ${figures[i].padStart(width)}  ${label}`,
  );
}
