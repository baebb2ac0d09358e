/** Interleaved bytes to planes: (pixel / 255 - mean[c]) / std[c], channel by channel. */
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
