/** Converts a photograph to the numbers that a network reads. */
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ImageInput, PictureReader } from '../image.ts';
import { greyOf, normalise } from '../normalise.ts';
import { decodeImage } from './decode-image.ts';

/**
 * Returns the input of a model from an image: decoded (`decodeImage`), made grey for a network of one channel (`greyOf`),
 * then (pixel / 255 - mean) / std, [channels * height * width], channel by channel. Throws 'image/unreadable',
 * 'model/unsupported' if the model reads neither colour (3 channels) nor grey (1) images.
 */
export async function prepareImage(input: ImageInput, model: PictureReader): Promise<Float32Array> {
  const { channels } = model.input;
  const { mean, std } = model.preprocessing;
  if (channels !== 3 && channels !== 1)
    throw new SphynxError(
      'model/unsupported',
      `the model ${model.name} takes ${channels} channels, but images have 3 (colour) or 1 (grey)`,
    );
  const { data } = await decodeImage(input, model);
  return normalise(channels === 3 ? data : greyOf(data), channels, mean, std);
}
