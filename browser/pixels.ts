import type { RawImage } from '../client/image.ts';
import { SphynxError } from '../errors/sphynx-error.ts';

/** The forms of images in a page. */
export type PageImage = ImageBitmapSource;

/**
 * Returns the pixels of an image at the model's size: rotated upright, composited onto white, scaled to cover, and
 * cropped around the centre. Nothing leaves the page. Throws 'image/unreadable'.
 */
export async function pixelsOf(image: PageImage, width: number, height: number): Promise<RawImage> {
  const bitmap = await createImageBitmap(image).catch((cause: unknown) => {
    throw new SphynxError('image/unreadable', 'the browser cannot decode this image; try another file', {
      cause,
    });
  });
  try {
    const scale = Math.max(width / bitmap.width, height / bitmap.height);
    const [w, h] = [bitmap.width * scale, bitmap.height * scale];
    const canvas = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!canvas) throw new SphynxError('image/unreadable', 'the browser gives this page no canvas');
    canvas.fillStyle = 'white';
    canvas.fillRect(0, 0, width, height);
    canvas.imageSmoothingQuality = 'high';
    canvas.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
    const { data } = canvas.getImageData(0, 0, width, height);
    return { width, height, data: new Uint8Array(data.buffer) };
  } finally {
    bitmap.close();
  }
}
