import { SphynxError } from '../errors/sphynx-error.ts';
import { groupsAtOnce, joinGroups } from './channel-groups.ts';
import type { Convolution } from './convolution-shape.ts';
import { type Kernels, kernels } from './load.ts';

type Words = Int32Array | Uint32Array | Float32Array;

/** Output positions per panel and output channels per tile, as in assembly/gemm.ts. */
const PANEL = 8;
const TILE_ROWS = 4;
/** Words of packed input per step: small enough to stay in the second-level cache while all weights pass. */
const PANEL_WORDS = 2 ** 15;
const LEAST_DEPTH = 64;
/** Words of weights in kernel memory at a time; wider layers are done in several runs over output channels. */
const WEIGHT_WORDS = 2 ** 23;

/**
 * Convolution mod 2^32 of an input [channelsIn, height, width] with weights [channelsOut, channelsIn / groups,
 * kernelHeight, kernelWidth]: [channelsOut, outHeight, outWidth]. Signed and unsigned words are the same here.
 * Throws 'protocol/length' if an array does not have the geometry's size.
 */
export function convolve(
  shape: Convolution,
  input: Int32Array | Uint32Array,
  weights: Int32Array,
): Uint32Array<ArrayBuffer> {
  const out = new Uint32Array(shape.channelsOut * shape.outHeight * shape.outWidth);
  run('multiplyInteger', shape, input, weights, out);
  return out;
}

/** The same convolution in single precision, for calibration and tests. */
export function convolveFloat(
  shape: Convolution,
  input: Float32Array,
  weights: Float32Array,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(shape.channelsOut * shape.outHeight * shape.outWidth);
  run('multiplyFloat', shape, input, weights, out);
  return out;
}

function run(product: string, shape: Convolution, input: Words, weights: Words, out: Words): void {
  const { groups } = shape;
  const depth = (shape.channelsIn / groups) * shape.kernelHeight * shape.kernelWidth;
  checkLength('input', input.length, shape.channelsIn * shape.height * shape.width);
  checkLength('weights', weights.length, shape.channelsOut * depth);
  const count = groupsAtOnce(shape);
  const steps = groups / count;
  const step = {
    ...shape,
    groups: 1,
    channelsIn: shape.channelsIn / steps,
    channelsOut: shape.channelsOut / steps,
  };
  const part = (words: Words, i: number) =>
    words.subarray((i * words.length) / steps, ((i + 1) * words.length) / steps);
  const joined = new Uint32Array(count === 1 ? 0 : (count * weights.length) / steps);
  for (let i = 0; i < steps; i++) {
    const own = wordsOf(part(weights, i));
    if (count > 1) joinGroups(own, count, depth, joined);
    runWhole(product, step, part(input, i), count > 1 ? joined : own, part(out, i));
  }
}

/** A convolution without groups. */
function runWhole(product: string, shape: Convolution, input: Words, weights: Uint32Array, out: Words): void {
  const depth = shape.channelsIn * shape.kernelHeight * shape.kernelWidth;
  const k = kernels();
  const most = Math.max(TILE_ROWS, Math.floor(WEIGHT_WORDS / depth));
  k.memory.scope(() => {
    const columns = new Columns(k, shape, input);
    for (let first = 0; first < shape.channelsOut; first += most) {
      const count = Math.min(most, shape.channelsOut - first);
      const area = out.length / shape.channelsOut;
      const block = weights.subarray(first * depth, (first + count) * depth);
      multiplyRows(k, product, columns, block, count, out.subarray(first * area, (first + count) * area));
    }
  });
}

function multiplyRows(
  k: Kernels,
  product: string,
  columns: Columns,
  weights: Uint32Array,
  count: number,
  out: Words,
): void {
  k.memory.scope(() => {
    const rows = Math.ceil(count / TILE_ROWS) * TILE_ROWS;
    const width = columns.panelCount * PANEL;
    const weightWords = k.memory.u32(rows * columns.depth).fill(0, weights.length);
    weightWords.set(weights);
    const sums = k.memory.u32(rows * width).fill(0);
    for (let first = 0; first < columns.depth; first += columns.step) {
      const depth = Math.min(columns.step, columns.depth - first);
      const panels = columns.pack(first, depth);
      const block = k.memory.address(weightWords) + 4 * first;
      k.call[product](block, columns.depth, panels, k.memory.address(sums), rows, depth, columns.panelCount);
    }
    const target = wordsOf(out);
    const area = out.length / count;
    for (let c = 0; c < count; c++) target.set(sums.subarray(c * width, c * width + area), c * area);
  });
}

/** The input of a convolution as a matrix with one row per kernel tap and one column per output position. */
class Columns {
  readonly depth: number;
  readonly panelCount: number;
  /** Rows that `pack` takes at a time. */
  readonly step: number;
  readonly #kernels: Kernels;
  readonly #planes: Uint32Array;
  readonly #taps: Uint32Array;
  readonly #positions: Uint32Array;
  readonly #panels: Uint32Array;

  /** Lives in the caller's scope of the kernel memory. */
  constructor(k: Kernels, shape: Convolution, input: Words) {
    const { channelsIn, height, width, kernelHeight, kernelWidth, outHeight, outWidth } = shape;
    const { strideY, strideX } = shape;
    const toHeight = (outHeight - 1) * strideY + kernelHeight;
    const toWidth = (outWidth - 1) * strideX + kernelWidth;
    this.#kernels = k;
    this.depth = channelsIn * kernelHeight * kernelWidth;
    this.panelCount = Math.ceil((outHeight * outWidth) / PANEL);
    this.step = Math.min(
      this.depth,
      Math.max(LEAST_DEPTH, Math.floor(PANEL_WORDS / (this.panelCount * PANEL))),
    );
    this.#planes = k.memory.u32(channelsIn * toHeight * toWidth);
    this.#taps = k.memory.u32(this.depth);
    this.#positions = k.memory.u32(this.panelCount * PANEL).fill(0);
    this.#panels = k.memory.u32(this.panelCount * PANEL * this.step);
    let next = 0;
    for (let c = 0; c < channelsIn; c++)
      for (let y = 0; y < kernelHeight; y++)
        for (let x = 0; x < kernelWidth; x++) this.#taps[next++] = 4 * ((c * toHeight + y) * toWidth + x);
    next = 0;
    for (let y = 0; y < outHeight; y++)
      for (let x = 0; x < outWidth; x++) this.#positions[next++] = 4 * (y * strideY * toWidth + x * strideX);
    k.memory.scope(() => {
      const source = k.memory.u32(input.length);
      source.set(wordsOf(input));
      const [from, to] = [k.memory.address(source), k.memory.address(this.#planes)];
      k.call.padPlanes(from, to, channelsIn, height, width, toHeight, toWidth, shape.padTop, shape.padLeft);
    });
  }

  /** Packs rows first .. first + depth - 1 and returns the address of the panels. */
  pack(first: number, depth: number): number {
    const { call, memory } = this.#kernels;
    const panels = memory.address(this.#panels);
    call.packPanels(
      memory.address(this.#planes),
      memory.address(this.#taps) + 4 * first,
      memory.address(this.#positions),
      panels,
      depth,
      this.panelCount,
    );
    return panels;
  }
}

/** The same memory as plain words, so that copies never convert. */
function wordsOf(values: Words): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

function checkLength(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new SphynxError(
      'protocol/length',
      `convolution: expected ${expected} words of ${what}, got ${got}`,
    );
}
