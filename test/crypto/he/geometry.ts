/** Random linear layers and the plain convolution that they stand for: support for tests. */
import fc from 'fast-check';
import type { HeLayer, HeShape, HeTerm } from '../../../crypto/he/plan.ts';

/** Tensors and one or more layers over them, with weights and values. */
export interface Network {
  readonly tensors: readonly HeShape[];
  readonly layers: readonly HeLayer[];
}

/** A kernel along an axis, such that every window of `out` outputs touches the map. */
const axis = (size: number, out: number, stride: number) => {
  const leastPad = Math.max(0, (out - 1) * stride - size + 1);
  return fc
    .record({ pad: fc.nat(size + 2), beyond: fc.integer({ min: 1, max: size + 3 }) })
    .map(({ pad, beyond }) => ({ pad: leastPad + pad, kernel: leastPad + pad + beyond }));
};

/** Networks of up to three tensors and three layers, of any strides, pads, kernel sizes and groups. */
export const networks = (side: number, channels: number): fc.Arbitrary<Network> =>
  fc
    .array(shapes(side, channels), { minLength: 1, maxLength: 3 })
    .chain((tensors) =>
      fc
        .array(layer(tensors, side, channels), { minLength: 1, maxLength: 3 })
        .map((layers) => ({ tensors, layers })),
    );

const shapes = (side: number, channels: number): fc.Arbitrary<HeShape> =>
  fc.record({
    channels: fc.integer({ min: 1, max: channels }),
    height: fc.integer({ min: 1, max: side }),
    width: fc.integer({ min: 1, max: side }),
  });

const layer = (tensors: HeShape[], side: number, channels: number): fc.Arbitrary<HeLayer> =>
  shapes(Math.ceil(side / 2), channels).chain((output) =>
    fc.record({
      output: fc.constant(output),
      terms: fc.array(term(tensors, output), { minLength: 1, maxLength: 3 }),
    }),
  );

const term = (tensors: HeShape[], output: HeShape): fc.Arbitrary<HeTerm> =>
  fc
    .record({
      tensor: fc.nat(tensors.length - 1),
      strideY: fc.integer({ min: 1, max: 4 }),
      strideX: fc.integer({ min: 1, max: 4 }),
    })
    .chain(({ tensor, strideY, strideX }) =>
      fc
        .record({
          rows: axis(tensors[tensor].height, output.height, strideY),
          columns: axis(tensors[tensor].width, output.width, strideX),
          groups: fc.constantFrom(...commonDivisors(tensors[tensor].channels, output.channels)),
        })
        .map(({ rows, columns, groups }) => ({
          tensor,
          strideY,
          strideX,
          kernelHeight: rows.kernel,
          kernelWidth: columns.kernel,
          padTop: rows.pad,
          padLeft: columns.pad,
          groups,
        })),
    );

function commonDivisors(a: number, b: number): number[] {
  return Array.from({ length: Math.min(a, b) }, (_, i) => i + 1).filter((n) => a % n === 0 && b % n === 0);
}

/** Number of weights of a term of a layer. */
export function weightCount({ tensors }: Network, { output }: HeLayer, term: HeTerm): number {
  const perGroup = tensors[term.tensor].channels / term.groups;
  return output.channels * perGroup * term.kernelHeight * term.kernelWidth;
}

/** The layer's output mod 2^32 by plain loops. */
export function evaluatePlainly(
  { tensors }: Network,
  { output, terms }: HeLayer,
  values: readonly Uint32Array[],
  kernels: readonly Int32Array[],
): Uint32Array {
  const sums = new Uint32Array(output.channels * output.height * output.width);
  for (const [t, term] of terms.entries()) {
    const { channels, height, width } = tensors[term.tensor];
    const perGroup = channels / term.groups;
    let weight = 0;
    for (let j = 0; j < output.channels; j++) {
      const first = perGroup * Math.floor(j / (output.channels / term.groups));
      for (let c = first; c < first + perGroup; c++)
        for (let dy = 0; dy < term.kernelHeight; dy++)
          for (let dx = 0; dx < term.kernelWidth; dx++) {
            const w = kernels[t][weight++];
            for (let y = 0; y < output.height; y++)
              for (let x = 0; x < output.width; x++) {
                const row = y * term.strideY + dy - term.padTop;
                const column = x * term.strideX + dx - term.padLeft;
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const value = values[term.tensor][(c * height + row) * width + column];
                sums[(j * output.height + y) * output.width + x] += Math.imul(w, value);
              }
          }
    }
  }
  return sums;
}
