import type { HeTerm, PartPacking, TensorPacking } from './packing.ts';
import { tileOf } from './tiles.ts';

export function inputCoefficients(packing: TensorPacking, index: number, values: Uint32Array, out: Uint32Array): void {
  const { shape, channels, tiles, channelSize } = packing;
  const count = tiles.rows * tiles.columns;
  const group = Math.floor(index / count);
  const tile = index % count;
  const y0 = Math.floor(tile / tiles.columns) * tiles.rowStep;
  const x0 = (tile % tiles.columns) * tiles.columnStep;
  out.fill(0);
  for (let c = 0; c < channels && group * channels + c < shape.channels; c++)
    for (let y = 0; y < tiles.tileHeight && y0 + y < shape.height; y++)
      for (let x = 0; x < tiles.tileWidth && x0 + x < shape.width; x++)
        out[c * channelSize + y * tiles.rowLength + x] =
          values[((group * channels + c) * shape.height + y0 + y) * shape.width + x0 + x];
}

export function kernelCoefficients(
  part: PartPacking, term: HeTerm, kernel: Int32Array, outGroup: number, inGroup: number, out: Int32Array,
): void {
  const { input, output } = part;
  const n = out.length;
  out.fill(0);
  const { kernelHeight, kernelWidth, padTop, padLeft } = term;
  for (let j = 0; j < part.channels && outGroup * part.channels + j < output.channels; j++)
    for (let c = 0; c < input.channels && inGroup * input.channels + c < input.shape.channels; c++) {
      const base = (j * input.channels + input.channels - 1 - c) * input.channelSize;
      const from = ((outGroup * part.channels + j) * input.shape.channels + inGroup * input.channels + c) * kernelHeight * kernelWidth;
      for (let dy = 0; dy < kernelHeight; dy++)
        for (let dx = 0; dx < kernelWidth; dx++) {
          const exponent = base + (padTop - dy) * input.tiles.rowLength + (padLeft - dx);
          const weight = kernel[from + dy * kernelWidth + dx];
          if (exponent >= 0) out[exponent] += weight;
          else out[exponent + n] -= weight;
        }
    }
}

export function outputPositions(part: PartPacking, index: number): { coefficients: Int32Array; elements: Int32Array } {
  const { input, output, stride, reach } = part;
  const { tiles } = input;
  const count = tiles.rows * tiles.columns;
  const group = Math.floor(index / count);
  const tile = index % count;
  const ty = Math.floor(tile / tiles.columns);
  const tx = tile % tiles.columns;
  const coefficients: number[] = [];
  const elements: number[] = [];
  for (let j = 0; j < part.channels && group * part.channels + j < output.channels; j++)
    for (let y = 0; y < output.height; y++) {
      if (tileOf(y, stride, reach.above, tiles.rowStep, tiles.rows) !== ty) continue;
      for (let x = 0; x < output.width; x++) {
        if (tileOf(x, stride, reach.left, tiles.columnStep, tiles.columns) !== tx) continue;
        coefficients.push(
          (j * input.channels + input.channels - 1) * input.channelSize +
            (y * stride - ty * tiles.rowStep) * tiles.rowLength + x * stride - tx * tiles.columnStep,
        );
        elements.push(((group * part.channels + j) * output.height + y) * output.width + x);
      }
    }
  return { coefficients: Int32Array.from(coefficients), elements: Int32Array.from(elements) };
}
