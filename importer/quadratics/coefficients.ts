import { elementsOf } from '../../model/geometry.ts';
import type { AffineValue } from '../affine.ts';
import { perElement } from '../bias.ts';
import { broadcast } from '../broadcast.ts';
import { sizesOf } from '../layout.ts';
import { type Constant, formatError } from '../onnx-constant.ts';
import { unsupported } from '../refusals.ts';
import type { Quadratic } from './find-quadratics.ts';
import { type Algebra, applied } from './pointwise.ts';

/** One number for all elements, or one for each. */
export type Coefficient = number | Float64Array;

/** p2 x^2 + p1 x + p0 + r ReLU(a x + b), element by element. */
export interface Polynomial {
  readonly p2: Coefficient;
  readonly p1: Coefficient;
  readonly p0: Coefficient;
  readonly r: Coefficient;
  readonly a: Coefficient;
  readonly b: Coefficient;
}

const ZERO: Polynomial = { p2: 0, p1: 0, p0: 0, r: 0, a: 0, b: 0 };

/** The coefficients of an activation of `x`. Throws 'model/unsupported' if a constant does not fit its map. */
export function polynomialOf(
  { source, nodes }: Quadratic,
  x: AffineValue,
  constants: ReadonlyMap<string, Constant>,
): Polynomial {
  const algebra = algebraOn(x);
  const values = new Map<string, Polynomial>([[source, { ...ZERO, p1: 1 }]]);
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => {
      const constant = constants.get(name);
      // An exponent is neither a summand nor a factor.
      return values.get(name) ?? (constant && node.type !== 'Pow' ? algebra.constant(constant) : ZERO);
    });
    const value = applied(node, inputs, algebra, constants);
    if (!value) throw formatError(`node ${node.label} is no polynomial`);
    values.set(node.outputs[0], value);
  }
  return values.get(nodes[nodes.length - 1].outputs[0])!;
}

function algebraOn(x: AffineValue): Algebra<Polynomial> {
  return {
    constant: (constant) => ({ ...ZERO, p0: spread(constant, x) }),
    // At most one of the two sums has a ReLU.
    sum: (a, b) => ({
      p2: plus(a.p2, b.p2),
      p1: plus(a.p1, b.p1),
      p0: plus(a.p0, b.p0),
      r: plus(a.r, b.r),
      ...(isZero(a.r) ? { a: b.a, b: b.b } : { a: a.a, b: a.b }),
    }),
    product: (a, b) => {
      const [other, factor] = isZero(b.p2) && isZero(b.p1) && isZero(b.r) ? [a, b] : [b, a];
      return {
        p2: plus(times(a.p2, b.p0), plus(times(a.p1, b.p1), times(a.p0, b.p2))),
        p1: plus(times(a.p1, b.p0), times(a.p0, b.p1)),
        p0: times(a.p0, b.p0),
        r: times(other.r, factor.p0),
        a: other.a,
        b: other.b,
      };
    },
    inverse: (a) => ({ ...ZERO, p0: map(a.p0, (value) => 1 / value) }),
    relu: ({ p1, p0 }) => ({ ...ZERO, r: 1, a: p1, b: p0 }),
  };
}

/** A constant, broadcast to the elements of `x`. */
function spread(constant: Constant, x: AffineValue): Coefficient {
  const numbers = broadcast(constant, x);
  if (!numbers)
    throw unsupported(
      `a quadratic activation of ${sizesOf(x.layout).join('x')} (${elementsOf(x.shape)} elements) has a constant of ${constant.dims.join('x')}: give it one number, or one per channel or per element`,
    );
  return numbers.every((value) => value === numbers[0]) ? numbers[0] : perElement(numbers, x.shape);
}

function isZero(coefficient: Coefficient): boolean {
  return typeof coefficient === 'number' ? coefficient === 0 : coefficient.every((value) => value === 0);
}

function map(coefficient: Coefficient, change: (value: number) => number): Coefficient {
  return typeof coefficient === 'number' ? change(coefficient) : coefficient.map(change);
}

function plus(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof b === 'number') return b === 0 ? a : map(a, (value) => value + b);
  if (typeof a === 'number') return plus(b, a);
  return a.map((value, i) => value + b[i]);
}

function times(a: Coefficient, b: Coefficient): Coefficient {
  if (typeof b === 'number') return b === 1 ? a : b === 0 ? 0 : map(a, (value) => value * b);
  if (typeof a === 'number') return times(b, a);
  return a.map((value, i) => value * b[i]);
}
