import type { Convolution } from '../../kernels/convolution-shape.ts';

/** The definition of the convolution as plain loops, mod 2^32. */
export function convolveReference(
  s: Convolution,
  input: Int32Array | Uint32Array,
  weights: Int32Array,
): Uint32Array<ArrayBuffer> {
  const perGroup = s.channelsIn / s.groups;
  const out = new Uint32Array(s.channelsOut * s.outHeight * s.outWidth);
  for (let o = 0; o < s.channelsOut; o++)
    for (let y = 0; y < s.outHeight; y++)
      for (let x = 0; x < s.outWidth; x++) {
        let sum = 0;
        const first = perGroup * Math.floor(o / (s.channelsOut / s.groups));
        for (let c = first; c < first + perGroup; c++)
          for (let ky = 0; ky < s.kernelHeight; ky++)
            for (let kx = 0; kx < s.kernelWidth; kx++) {
              const row = y * s.strideY + ky - s.padTop;
              const column = x * s.strideX + kx - s.padLeft;
              if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
              const weight = weights[((o * perGroup + c - first) * s.kernelHeight + ky) * s.kernelWidth + kx];
              sum = (sum + Math.imul(input[(c * s.height + row) * s.width + column], weight)) | 0;
            }
        out[(o * s.outHeight + y) * s.outWidth + x] = sum;
      }
  return out;
}
