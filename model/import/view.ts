import { elementsOf } from '../geometry.ts';
import { type AffineValue, type ElementView, pickChannels } from './affine.ts';
import { convolveValue } from './affine-convolution.ts';
import { makeKernel } from './dense-kernel.ts';
import { exactly, unsupported } from './refusals.ts';

/** Reshaping and transposing: values stay maps or vectors wherever a permutation of channels or elements does it. */

/** The sizes of one image's value as ONNX sees it, without the batch. */
export function dimsOf({ shape, flat, view }: AffineValue): readonly number[] {
  if (view) return view.dims;
  return flat ? [elementsOf(shape)] : [shape.channels, shape.height, shape.width];
}

/** The same elements in the same order under other sizes. */
export function reshaped(value: AffineValue, dims: readonly number[]): AffineValue {
  return seen(value, { dims, order: value.view?.order ?? null });
}

/** Axis i of the result is axis `axes[i]`; the batch is not counted. */
export function transposed(value: AffineValue, axes: readonly number[]): AffineValue {
  const from = dimsOf(value);
  const dims = axes.map((axis) => from[axis]);
  const steps = axes.map((axis) => from.slice(axis + 1).reduce((product, size) => product * size, 1));
  const before = value.view?.order;
  const order = new Uint32Array(elementsOf(value.shape));
  for (let i = 0; i < order.length; i++) {
    let [rest, at] = [i, 0];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += (rest % dims[axis]) * steps[axis];
      rest = Math.floor(rest / dims[axis]);
    }
    order[i] = before ? before[at] : at;
  }
  return seen(value, { dims, order });
}

/** The value with that view, as a map or vector where it is one. */
function seen(value: AffineValue, { dims, order }: ElementView): AffineValue {
  const { channels, height, width } = value.shape;
  const flat = dims.length === 1;
  const map = dims.length === 3 && dims[1] === height && dims[2] === width;
  if (!flat && !map) return { ...value, view: { dims, order } };
  const picked = order === null ? undefined : channelOrder(order, channels);
  if (picked === null) return { ...value, view: { dims, order } };
  const plain = { ...value, view: undefined, flat };
  return picked ? pickChannels(plain, picked) : plain;
}

/** The channels in which an order takes the elements, each as a whole; null if it mixes them. */
function channelOrder(order: Uint32Array, channels: number): number[] | null {
  const area = order.length / channels;
  for (let i = 0; i < order.length; i++) {
    const first = order[i - (i % area)];
    if (first % area !== 0 || order[i] !== first + (i % area)) return null;
  }
  return Array.from({ length: channels }, (_, c) => order[c * area] / area);
}

/** A value as operators read it. Throws 'model/unsupported' if it is neither a map nor a vector. */
export function plainValue(value: AffineValue): AffineValue {
  if (!value.view) return value;
  const { dims, order } = value.view;
  if (dims.length !== 1 || order === null)
    throw unsupported(
      `it reads a value of ${dims.join('x')}, which is neither a map with channels first nor a vector: transpose it back first, or Flatten it`,
    );
  // A vector in another order: every element is picked by an output of its own.
  const { channels, height, width } = value.shape;
  const depth = order.length;
  const kernel = makeKernel(depth, channels, height, width, (data) => {
    for (const [i, at] of order.entries()) data[i * depth + at] = 1;
  });
  const window = { strideY: 1, strideX: 1, padTop: 0, padLeft: 0, outHeight: 1, outWidth: 1 };
  const picked = convolveValue({ ...value, view: undefined }, kernel, new Float64Array(depth), window);
  return { ...exactly(picked), flat: true };
}
