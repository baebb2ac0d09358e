import { type AffineValue, addValues, scaleValue } from '../affine.ts';
import { endTogether, type Segments } from './segments.ts';

/** A value that takes part in a maximum. */
export interface Contestant {
  readonly value: AffineValue;
  /** For each position of the map whether it takes part there; it is zero where not. null: everywhere. */
  readonly inside: Uint8Array | null;
}

/**
 * The largest of the values of each group, all of one shape, element by element: a tournament of max(x, y) = y +
 * ReLU(x - y). Each round is one layer with a ReLU for every pair, and passes y and what has no partner. Where y
 * takes no part the difference passes as it is, so that x wins; hence y's place must be within x's. Returns null
 * where no partner can be found.
 */
export function maxima(
  segments: Segments,
  groups: readonly (readonly Contestant[])[],
): readonly Contestant[] | null {
  if (groups.every(({ length }) => length === 1)) return groups.map(([winner]) => winner);
  const drawn = groups.map(draw);
  if (drawn.every(({ pairs }) => pairs.length === 0)) return null;
  const pairs = drawn.flatMap((round) => round.pairs);
  const differences = pairs.map(([x, y]) => addValues(x.value, scaleValue(y.value, -1)));
  const passing = pairs.map(([, { inside }]) => inside?.map((flag) => 1 - flag) ?? null);
  const waiting = drawn.flatMap(({ alone }) => alone);
  const passed = [...pairs.map(([, y]) => y), ...waiting].map(({ value }) => value);
  const ended = endTogether(segments, differences, passed, passing);
  let [pair, single] = [0, 2 * pairs.length];
  const next = drawn.map(({ pairs: own, alone }) => [
    ...own.map(([{ inside }]) => ({ value: addValues(ended[pair], ended[pairs.length + pair++]), inside })),
    ...alone.map(({ inside }) => ({ value: ended[single++], inside })),
  ]);
  return maxima(segments, next);
}

/** Pairs [x, y] of contestants where y takes part nowhere else than x, and those that are left alone. */
function draw(group: readonly Contestant[]): { pairs: [Contestant, Contestant][]; alone: Contestant[] } {
  const alone = group.toSorted((a, b) => area(a) - area(b));
  const pairs: [Contestant, Contestant][] = [];
  for (let i = 0; i < alone.length; ) {
    const y = alone[i];
    const partner = alone.findIndex((x, j) => j > i && isWithin(y, x));
    if (partner < 0) i++;
    else pairs.push([alone.splice(partner, 1)[0], ...(alone.splice(i, 1) as [Contestant])]);
  }
  return { pairs, alone };
}

function area({ inside }: Contestant): number {
  return inside?.reduce((sum, flag) => sum + flag, 0) ?? Number.POSITIVE_INFINITY;
}

function isWithin({ inside: y }: Contestant, { inside: x }: Contestant): boolean {
  return x === null || (y?.every((flag, i) => flag <= x[i]) ?? false);
}
