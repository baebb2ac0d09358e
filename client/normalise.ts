/** The weights of Rec. 601 in units of 2^-16: what PIL's convert('L') and OpenCV's COLOR_BGR2GRAY use, on sRGB bytes. */
const LUMA = [19595, 38470, 7471] as const;

/** Converts interleaved RGB bytes to grey: the Rec. 601 luma of the gamma-encoded values. Pure red becomes 76. */
export function greyOf(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, p) => {
    const [r, g, b] = [rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]];
    return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b + 2 ** 15) >> 16;
  });
}

/** Converts interleaved bytes to planes: (pixel / 255 - mean[c]) / std[c], channel by channel. */
export function normalise(
  pixels: Uint8Array,
  channels: number,
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const plane = pixels.length / channels;
  const values = new Float32Array(pixels.length);
  for (let c = 0; c < channels; c++)
    for (let p = 0; p < plane; p++)
      values[c * plane + p] = (pixels[p * channels + c] / 255 - mean[c]) / std[c];
  return values;
}
