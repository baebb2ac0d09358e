/** Computes the coefficient of every element, weight and output by the formulas of `layout.ts`. */
import { tileAt, tileCount } from './layout.ts';
import { outputsOf } from './output-blocks.ts';
import { liveTaps, phaseSize } from './phases.ts';
import type { Encoding, HeShape, PartPacking, PartTerm } from './plan.ts';

/**
 * Writes the polynomial of group `group` of tile `tile` to `coefficients` [N]: the elements of `values`
 * [channels, height, width] that it holds, 0 elsewhere.
 */
export function placeTensor(
  encoding: Encoding,
  shape: HeShape,
  tile: number,
  group: number,
  values: Uint32Array,
  coefficients: Uint32Array,
): void {
  const { strideY, strideX, phases, layout } = encoding;
  const { row, column } = tileAt(layout, tile);
  const first = group * layout.channelsIn;
  const maps = Math.min(layout.channelsIn, shape.channels * phases.length - first);
  coefficients.fill(0);
  for (let c = 0; c < maps; c++) {
    const phase = phases[Math.floor((first + c) / shape.channels)];
    const channel = (first + c) % shape.channels;
    const endRow = Math.min(row.end, phaseSize(shape.height, strideY, phase.row));
    const endColumn = Math.min(column.end, phaseSize(shape.width, strideX, phase.column));
    for (let y = row.first; y < endRow; y++) {
      const from = (channel * shape.height + y * strideY + phase.row) * shape.width + phase.column;
      const to = c * layout.channelStep + (y - row.first) * layout.rowStep - column.first;
      for (let x = column.first; x < endColumn; x++) coefficients[to + x] = values[from + x * strideX];
    }
  }
}

/**
 * Writes the kernel polynomial of term `source` of a part, between input group `groupIn` and output group
 * `groupOut`, to `coefficients` [N]; `weights` [out, in / groups, kernelHeight, kernelWidth]. Returns whether the
 * kernel reads the group at all, which depends on the geometry alone: if not, nothing is written.
 */
export function placeKernel(
  part: PartPacking,
  source: number,
  groupIn: number,
  groupOut: number,
  weights: Int32Array,
  coefficients: Int32Array,
): boolean {
  const term = part.sources[source];
  const { shape, encoding, rows, columns, groups } = term;
  const { channelStep, channelsIn } = part.layout;
  const first = groupIn * channelsIn;
  const maps = Math.min(channelsIn, shape.channels * encoding.phases.length - first);
  const outputs = Math.min(part.channelsOut, part.output.channels - groupOut * part.channelsOut);
  const phaseTaps = tapsOf(part, term);
  const [perGroup, outputsPerGroup] = [shape.channels / groups, part.output.channels / groups];
  let read = false;
  for (let c = 0; c < maps; c++) {
    const taps = phaseTaps[Math.floor((first + c) / shape.channels)];
    if (taps.length === 0) continue;
    const channel = (first + c) % shape.channels;
    const group = Math.floor(channel / perGroup);
    for (let j = 0; j < outputs; j++) {
      const output = groupOut * part.channelsOut + j;
      if (Math.floor(output / outputsPerGroup) !== group) continue;
      if (!read) coefficients.fill(0);
      read = true;
      const plane = (output * perGroup + (channel % perGroup)) * rows.kernel * columns.kernel;
      placePlane(weights, plane, taps, (j * channelsIn + channelsIn - 1 - c) * channelStep, coefficients);
    }
  }
  return read;
}

/** Writes the weights of one plane [kernelHeight, kernelWidth] at their exponents; those below 0 wrap around. */
function placePlane(
  weights: Int32Array,
  plane: number,
  taps: Int32Array,
  base: number,
  coefficients: Int32Array,
): void {
  for (let i = 0; i < taps.length; i += 2) {
    const weight = weights[plane + taps[i]];
    const exponent = base - taps[i + 1];
    if (exponent < 0) coefficients[exponent + coefficients.length] = 0 - weight;
    else coefficients[exponent] = weight;
  }
}

const knownTaps = new WeakMap<PartTerm, Int32Array[]>();

/** For each phase of a term's encoding the taps of its kernel: place within the plane, distance from the output. */
function tapsOf({ layout }: PartPacking, term: PartTerm): Int32Array[] {
  let taps = knownTaps.get(term);
  if (taps) return taps;
  const { encoding, rows, columns } = term;
  taps = encoding.phases.map((phase) => {
    const across = liveTaps(columns).filter((tap) => tap.phase === phase.column);
    const pairs = liveTaps(rows)
      .filter((tap) => tap.phase === phase.row)
      .flatMap((v) =>
        across.flatMap((u) => [v.index * columns.kernel + u.index, v.offset * layout.rowStep + u.offset]),
      );
    return Int32Array.from(pairs);
  });
  knownTaps.set(term, taps);
  return taps;
}

/** The outputs of one ciphertext: their coefficients, ascending, and their indices into the output tensor. */
export interface OutputPositions {
  readonly coefficients: Uint32Array;
  readonly elements: Uint32Array;
}

/** Returns the positions of the outputs of ciphertext `index` of a part. */
export function outputPositions(part: PartPacking, index: number): OutputPositions {
  const { layout, output } = part;
  const block = outputsOf(part, index);
  const { row, column } = tileAt(layout, block.tile);
  const coefficients = new Uint32Array(block.count);
  const elements = new Uint32Array(block.count);
  let next = 0;
  for (let j = 0; j < block.channels; j++)
    for (let y = block.row; y < block.row + block.rows; y++)
      for (let x = block.column; x < block.column + block.columns; x++) {
        coefficients[next] =
          (j * layout.channelsIn + layout.channelsIn - 1) * layout.channelStep +
          (y - row.first) * layout.rowStep +
          (x - column.first);
        elements[next++] = ((block.channel + j) * output.height + y) * output.width + x;
      }
  return { coefficients, elements };
}

/** Tile and group of every ciphertext of an encoding, in their order. */
export function* polynomials({ layout, groups }: Encoding): Generator<{ tile: number; group: number }> {
  for (let tile = 0; tile < tileCount(layout); tile++)
    for (let group = 0; group < groups; group++) yield { tile, group };
}
