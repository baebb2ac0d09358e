/**
 * A function of one number that is a line on every interval between its knots. Comparisons with constants, choices and
 * ReLUs of a value are such functions.
 */
export interface PiecewiseLine {
  /** Ascending. */
  readonly knots: readonly number[];
  /** One more than there are knots: piece i ends at knot i. */
  readonly pieces: readonly Line[];
  /** The values at the knots themselves, which a strict comparison may keep from both neighbours. */
  readonly at: readonly number[];
}

export interface Line {
  readonly slope: number;
  readonly offset: number;
}

/** Most knots of a function; no trained activation has more. */
export const MOST_KNOTS = 16;

/** A jump smaller than this share of the nearby values is due to rounding of a file's constants. */
const ROUNDING = 1e-6;

export const IDENTITY: PiecewiseLine = { knots: [], pieces: [{ slope: 1, offset: 0 }], at: [] };

export function constantLine(value: number): PiecewiseLine {
  return { knots: [], pieces: [{ slope: 0, offset: value }], at: [] };
}

/** The value where the function is a constant; null elsewhere. */
export function constantOf({ knots, pieces }: PiecewiseLine): number | null {
  return knots.length === 0 && pieces[0].slope === 0 ? pieces[0].offset : null;
}

export function sumOf(f: PiecewiseLine, g: PiecewiseLine): PiecewiseLine {
  const sum = (a: Line, b: Line) => ({ slope: a.slope + b.slope, offset: a.offset + b.offset });
  return combined(f, g, sum, (x, y) => x + y)!;
}

/** null where a piece would be a parabola. */
export function productOf(f: PiecewiseLine, g: PiecewiseLine): PiecewiseLine | null {
  const product = (a: Line, b: Line) => {
    if (a.slope !== 0 && b.slope !== 0) return null;
    return { slope: a.slope * b.offset + b.slope * a.offset, offset: a.offset * b.offset };
  };
  return combined(f, g, product, (x, y) => x * y);
}

/** The function times a number. */
export function timesNumber(f: PiecewiseLine, factor: number): PiecewiseLine {
  return productOf(f, constantLine(factor))!;
}

/** 1 where `holds` is true of f, which may depend on its sign alone, and 0 elsewhere. */
export function whereHolds(f: PiecewiseLine, holds: (value: number) => boolean): PiecewiseLine {
  const split = withRoots(f);
  const truth = (value: number) => Number(holds(value));
  return simplified({
    knots: split.knots,
    pieces: split.pieces.map((_, i) => ({ slope: 0, offset: truth(valueWithin(split, i)) })),
    at: split.at.map(truth),
  });
}

/** Returns f where the condition is 1, and g where it is 0. */
export function chosenOf(condition: PiecewiseLine, f: PiecewiseLine, g: PiecewiseLine): PiecewiseLine {
  const otherwise = whereHolds(condition, (value) => value === 0);
  // As a sum of products, of which one factor is constant on every piece.
  return sumOf(
    productOf(
      whereHolds(condition, (value) => value !== 0),
      f,
    )!,
    productOf(otherwise, g)!,
  );
}

export function largerOf(f: PiecewiseLine, g: PiecewiseLine): PiecewiseLine {
  const difference = sumOf(f, timesNumber(g, -1));
  return chosenOf(
    whereHolds(difference, (value) => value >= 0),
    f,
    g,
  );
}

/** The first knot at which the function jumps, with the height of the jump; null if it is continuous. */
export function jumpOf({ knots, pieces, at }: PiecewiseLine): { at: number; height: number } | null {
  for (const [i, knot] of knots.entries()) {
    const values = [valueAt(pieces[i], knot), valueAt(pieces[i + 1], knot), at[i]];
    const height = Math.max(...values) - Math.min(...values);
    if (height > ROUNDING * Math.max(1, ...values.map(Math.abs))) return { at: knot, height };
  }
  return null;
}

export function valueAt({ slope, offset }: Line, x: number): number {
  return slope * x + offset;
}

/** A function made of two, piece by piece; null if one of the pieces is null. */
function combined(
  f: PiecewiseLine,
  g: PiecewiseLine,
  line: (a: Line, b: Line) => Line | null,
  value: (x: number, y: number) => number,
): PiecewiseLine | null {
  const knots = [...new Set([...f.knots, ...g.knots])].sort((a, b) => a - b);
  const [a, b] = [f, g].map((own) => withKnots(own, knots));
  const pieces = a.pieces.map((piece, i) => line(piece, b.pieces[i]));
  if (!pieces.every((piece) => piece !== null)) return null;
  return simplified({ knots, pieces, at: knots.map((_, i) => value(a.at[i], b.at[i])) });
}

/** Returns the same function with more knots, which include all of its own. */
export function withKnots({ knots, pieces, at }: PiecewiseLine, all: readonly number[]): PiecewiseLine {
  const pieceBefore = (knot: number) => pieces[knots.filter((own) => own < knot).length];
  return {
    knots: all,
    pieces: [...all.map(pieceBefore), pieces[pieces.length - 1]],
    at: all.map((knot) => {
      const own = knots.indexOf(knot);
      return own >= 0 ? at[own] : valueAt(pieceBefore(knot), knot);
    }),
  };
}

/** The same function with knots where a piece crosses zero. */
function withRoots(f: PiecewiseLine): PiecewiseLine {
  const { knots, pieces } = f;
  const roots = pieces.flatMap(({ slope, offset }, i) => {
    const root = -offset / slope;
    const within = root > (knots[i - 1] ?? -Infinity) && root < (knots[i] ?? Infinity);
    return slope !== 0 && within ? [root === 0 ? 0 : root] : [];
  });
  const split = withKnots(
    f,
    [...knots, ...roots].sort((a, b) => a - b),
  );
  // Rounding may move the computed value at a root off zero.
  return { ...split, at: split.at.map((value, i) => (roots.includes(split.knots[i]) ? 0 : value)) };
}

/** A value of piece i between its knots. */
function valueWithin({ knots, pieces }: PiecewiseLine, i: number): number {
  const [low, high] = [knots[i - 1], knots[i]];
  if (low !== undefined && high !== undefined) return valueAt(pieces[i], (low + high) / 2);
  return valueAt(pieces[i], high !== undefined ? high - 1 : low !== undefined ? low + 1 : 0);
}

/** Removes knots at which the function does not change. */
function simplified({ knots, pieces, at }: PiecewiseLine): PiecewiseLine {
  const changes = (i: number) =>
    pieces[i].slope !== pieces[i + 1].slope ||
    pieces[i].offset !== pieces[i + 1].offset ||
    at[i] !== valueAt(pieces[i], knots[i]);
  const kept = [...knots.keys()].filter(changes);
  return {
    knots: kept.map((i) => knots[i]),
    pieces: [pieces[0], ...kept.map((i) => pieces[i + 1])],
    at: kept.map((i) => at[i]),
  };
}
