import { elementsOf } from '../../model/geometry.ts';
import { type AffineValue, addBias, addValues, scaleChannels } from '../affine.ts';
import { perChannelBias } from '../bias.ts';
import type { Constant } from '../onnx-constant.ts';
import { unsupported } from '../refusals.ts';
import { settled } from '../relayout.ts';
import type { Segments } from '../rewrites/segments.ts';
import { type Coefficient, type Polynomial, polynomialOf } from './coefficients.ts';
import type { Quadratic } from './find-quadratics.ts';

/**
 * A quadratic activation as one layer of squares, ReLUs and linear elements. The square is completed:
 *
 *     p2 x^2 + p1 x + p0 = p2 (x + s)^2 + p0 - p2 s^2 with s = p1 / (2 p2)
 *
 * so s goes into the bias of the layer, and the constant into what reads it. A layer is read channel by channel, so the
 * elements of one have a common factor `before` their nonlinearity and one `after` it. With squares alone that is p2
 * afterwards. Beside the others, whose factors are r |a| and p1, both follow: before * after = r |a| or p1, and
 * before^2 * after = p2. The remainder of p1, which must be the same for a whole channel, is added as x times that
 * number: it is that of the ReLUs, and -1 if a channel has squares and elements without x.
 */
export function endQuadratic(
  quadratic: Quadratic,
  source: AffineValue,
  constants: ReadonlyMap<string, Constant>,
  segments: Segments,
): AffineValue {
  const x = settled(source);
  const elements = elementsOf(x.shape);
  const parts = partsOf(polynomialOf(quadratic, x, constants), elements, x.shape.channels);
  const none = new Float64Array(x.shape.channels);
  const shifted = (value: AffineValue, offsets: Float64Array) =>
    addBias(value, perChannelBias(offsets, x.shape.channels));
  const before = shifted(scaleChannels(x, parts.before, none), parts.shift);
  const tensor = segments.end(before, flagged(parts.linear), flagged(parts.square));
  const untouched = parts.after.every((factor) => factor === 1) && parts.constant.every((c) => c === 0);
  const result = untouched ? tensor : shifted(scaleChannels(tensor, parts.after, none), parts.constant);
  return parts.added.some((factor) => factor !== 0)
    ? addValues(result, scaleChannels(x, parts.added, none))
    : result;
}

interface Parts {
  /** Factors per channel. */
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** Of x, which is added to the result. */
  readonly added: Float64Array;
  /** Per element. */
  readonly shift: Float64Array;
  readonly constant: Float64Array;
  readonly linear: Uint8Array;
  readonly square: Uint8Array;
}

function partsOf(polynomial: Polynomial, elements: number, channels: number): Parts {
  const of = (coefficient: Coefficient) => perElementOf(coefficient, elements);
  const [p2, p1, p0, r, a, b] = [
    of(polynomial.p2),
    of(polynomial.p1),
    of(polynomial.p0),
    of(polynomial.r),
    of(polynomial.a),
    of(polynomial.b),
  ];
  const parts: Parts = {
    before: new Float64Array(channels),
    after: new Float64Array(channels),
    added: new Float64Array(channels),
    shift: new Float64Array(elements),
    constant: p0.slice(),
    linear: new Uint8Array(elements),
    square: new Uint8Array(elements),
  };
  const area = elements / channels;
  for (let channel = 0; channel < channels; channel++) {
    const factors = new Factors();
    const end = (channel + 1) * area;
    for (let i = channel * area; i < end; i++) {
      if (p2[i] !== 0) {
        if (r[i] !== 0) throw unsupported('an element is the sum of a square and a ReLU: choose one of them');
        factors.square.add(p2[i]);
        parts.square[i] = 1;
      } else if (r[i] !== 0 && a[i] !== 0) {
        factors.lines.add(p1[i]);
        factors.relu.add(r[i] * Math.abs(a[i]));
        factors.signs.add(Math.sign(a[i]));
      } else {
        factors.linear.add(p1[i]);
        parts.linear[i] = 1;
        // The ReLU of a constant.
        parts.constant[i] += r[i] * Math.max(0, b[i]);
      }
    }
    const { before, after, added } = factors.solve();
    parts.added[channel] = added;
    parts.before[channel] = before;
    parts.after[channel] = after;
    for (let i = channel * area; i < end; i++) {
      if (parts.square[i]) {
        const s = (p1[i] - added) / (2 * p2[i]);
        parts.shift[i] = before * s;
        parts.constant[i] -= p2[i] * s ** 2;
      } else if (!parts.linear[i]) parts.shift[i] = (before / a[i]) * b[i];
    }
  }
  return parts;
}

/** The factors of the elements of one channel. */
class Factors {
  readonly square = new Common('of the squares');
  readonly relu = new Common('of the ReLUs');
  readonly linear = new Common('of the elements without an activation');
  /** Of the lines that are added to ReLUs. */
  readonly lines = new Common('of x beside the ReLUs');
  /** Of what the ReLUs are taken of. */
  readonly signs = new Common('of what the ReLUs are taken of, in sign,');

  /** The factors before and after the nonlinearity, and that of x, which is added. */
  solve(): { before: number; after: number; added: number } {
    const [p2, relu] = [this.square.value, this.relu.value];
    const without = p2 !== undefined && relu === undefined && this.linear.value === 0;
    const added = without ? -1 : (this.lines.value ?? 0);
    const p1 = this.linear.value === undefined ? undefined : this.linear.value - added;
    const sign = this.signs.value ?? 1;
    const others = relu === undefined ? p1 : relu * sign;
    if (relu !== undefined && p1 !== undefined && !alike(relu * sign, p1))
      throw unsupported(
        `a channel has ReLUs times ${relu * sign} and other elements times ${p1}: give all elements of a channel one factor`,
      );
    if (p2 === undefined)
      return relu === undefined ? { before: p1 ?? 1, after: 1, added } : { before: sign, after: relu, added };
    if (others === undefined) return { before: 1, after: p2, added };
    if (relu !== undefined && p2 / relu < 0)
      throw unsupported(
        `a channel has ReLUs times ${relu} and squares times ${p2}, of other sign: train with coefficients of x^2 above zero, or choose by whole channels`,
      );
    const before = p2 / others;
    return { before, after: others / before, added };
  }
}

/** A number that all elements of one kind in a channel share. */
class Common {
  value: number | undefined;
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  add(value: number): void {
    if (this.value === undefined) this.value = value;
    else if (!alike(this.value, value))
      throw unsupported(
        `the factors ${this.#what} in one channel are ${this.value} and ${value}: give a quadratic activation one number, or one per channel`,
      );
  }
}

/** Up to the rounding of numbers in single precision. */
function alike(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-5 * Math.max(Math.abs(a), Math.abs(b));
}

function perElementOf(coefficient: Coefficient, elements: number): Float64Array {
  return typeof coefficient === 'number' ? new Float64Array(elements).fill(coefficient) : coefficient;
}

function flagged(flags: Uint8Array): Uint8Array | null {
  return flags.includes(1) ? flags : null;
}
