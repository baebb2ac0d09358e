/** Types of images before they become the input of a network. */
import type { ModelCard, Preprocessing } from '../model/card.ts';

/** Pixels in memory, rows from the top: 3 bytes (RGB) or 4 (RGBA) per pixel, told apart by the length. */
export interface RawImage {
  /** Columns (pixels). */
  readonly width: number;
  /** Rows (pixels). */
  readonly height: number;
  /** [height, width, 3 or 4], a byte each. */
  readonly data: Uint8Array;
}

/** The facts about a network that reads pictures. */
export interface PictureReader extends Pick<ModelCard, 'name' | 'input'> {
  readonly preprocessing: Pick<Preprocessing, 'width' | 'height' | 'mean' | 'std'>;
}

/** An image: a path, the bytes of a PNG, JPEG or WebP file, or pixels. */
export type ImageInput = string | Uint8Array | RawImage;

/**
 * Converts an image to the shape of the model's input. Returns [channels * height * width], channel by channel. Throws
 * 'image/unreadable', 'model/unsupported' if the model reads neither colour (3 channels) nor grey (1) images.
 */
export type PrepareImage = (input: ImageInput, model: PictureReader) => Promise<Float32Array>;
