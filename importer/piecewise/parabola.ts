import { type PiecewiseLine, withKnots } from './piecewise-line.ts';

/** A continuous function of one number that is a parabola or a line on every interval between its knots. */
export interface PiecewiseParabola {
  /** Ascending. */
  readonly knots: readonly number[];
  /** One more than there are knots. */
  readonly pieces: readonly Parabola[];
}

/** square * x^2 + slope * x + offset. */
export interface Parabola {
  readonly square: number;
  readonly slope: number;
  readonly offset: number;
}

/** The product of two continuous functions. */
export function parabolaOf(f: PiecewiseLine, g: PiecewiseLine): PiecewiseParabola {
  const all = [...new Set([...f.knots, ...g.knots])].sort((a, b) => a - b);
  const [a, b] = [f, g].map((own) => withKnots(own, all).pieces);
  const pieces = a.map((one, i) => ({
    square: one.slope * b[i].slope,
    slope: one.slope * b[i].offset + b[i].slope * one.offset,
    offset: one.offset * b[i].offset,
  }));
  const kept = [...all.keys()].filter((i) => !same(pieces[i], pieces[i + 1]));
  return { knots: kept.map((i) => all[i]), pieces: [pieces[0], ...kept.map((i) => pieces[i + 1])] };
}

export function parabolaAt({ square, slope, offset }: Parabola, x: number): number {
  return (square * x + slope) * x + offset;
}

function same(a: Parabola, b: Parabola): boolean {
  return a.square === b.square && a.slope === b.slope && a.offset === b.offset;
}
