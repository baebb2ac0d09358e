import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ImageInput, PictureReader } from '../image.ts';
import { greyOf, normalise } from '../normalise.ts';

/**
 * Returns the input of a model from pixels that the page has decoded, cropped and scaled to the model's size:
 * [channels * height * width], channel by channel. Throws 'image/unreadable' on another size, 'model/unsupported' if
 * the model reads neither colour (3 channels) nor grey (1) images.
 */
export async function prepareImage(
  image: ImageInput,
  { name, input: shape, preprocessing }: PictureReader,
): Promise<Float32Array> {
  const { width, height, mean, std } = preprocessing;
  if (shape.channels !== 3 && shape.channels !== 1)
    throw new SphynxError(
      'model/unsupported',
      `the model ${name} takes ${shape.channels} channels, but images have 3 (colour) or 1 (grey)`,
    );
  const decoded = typeof image === 'object' && 'data' in image;
  if (
    !decoded ||
    image.width !== width ||
    image.height !== height ||
    image.data.length !== 4 * width * height
  )
    throw new SphynxError('image/unreadable', `expected ${width} x ${height} pixels of RGBA`);
  const pixels = image.data.filter((_, i) => i % 4 !== 3);
  return normalise(shape.channels === 3 ? pixels : greyOf(pixels), shape.channels, mean, std);
}
