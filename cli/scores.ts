import type { Score } from '../client/index.ts';
import { percent } from './units.ts';

/** What there is to a class, label or value besides its name: its probability, or the number; null where only the name is told. */
export function figureOf({ p, value }: Score): string | null {
  if (p !== null) return percent(p);
  return value === undefined ? null : Number(value.toPrecision(6)).toString();
}
