import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import type { RawImage } from './image.ts';
import { normalise } from './normalise.ts';

/**
 * The input of a model from pixels that the page has decoded, cropped and scaled to the model's size. Returns
 * [channels * height * width], channel by channel. Throws 'image/unreadable' on another size, 'model/unsupported' if
 * the model does not read colour images.
 */
export async function prepareImage(
  image: RawImage,
  { name, input: shape, preprocessing }: Pick<ModelCard, 'name' | 'input' | 'preprocessing'>,
): Promise<Float32Array> {
  const { width, height, mean, std } = preprocessing;
  if (shape.channels !== 3)
    throw new SphynxError(
      'model/unsupported',
      `the model ${name} takes ${shape.channels} channels, not colours`,
    );
  if (image.width !== width || image.height !== height || image.data.length !== 4 * width * height)
    throw new SphynxError('image/unreadable', `expected ${width} x ${height} pixels of RGBA`);
  return normalise(
    image.data.filter((_, i) => i % 4 !== 3),
    3,
    mean,
    std,
  );
}
