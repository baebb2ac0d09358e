import { open as openFile, stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ImageInput, PictureReader, RawImage } from '../image.ts';
import { MAX_IMAGE_PIXELS } from '../limits.ts';

/** Bytes that are read from a file to identify its type. */
const START_BYTES = 12;

/**
 * Decodes `input` and converts it to the size of the model's input: rotated upright by its EXIF tag, transparency on
 * white, sRGB, scaled so that it covers width x height of the card's preprocessing and cropped around the centre
 * (proportions are kept; a wide photo loses its sides). An image that already has the right size is not resampled, so
 * that what this returns may be given in place of `input`.
 *
 * Returns RGB. Throws 'image/unreadable' with the file's name and what to do.
 */
export async function decodeImage(input: ImageInput, { preprocessing }: PictureReader): Promise<RawImage> {
  const { width, height } = preprocessing;
  const image = (await open(input))
    .autoOrient()
    .flatten({ background: 'white' })
    .resize(width, height, { fit: 'cover', position: 'centre' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' });
  const data = await image.toBuffer().catch((error: unknown) => {
    throw undecodable(input, error);
  });
  if (data.length !== 3 * width * height)
    throw undecodable(input, new Error(`it decodes to ${data.length} bytes`));
  return { width, height, data };
}

/**
 * Returns a decoder for `input`, after checking that it begins like a supported file: other decoders never see
 * untrusted data.
 */
async function open(input: ImageInput): Promise<Sharp> {
  const limits = { limitInputPixels: MAX_IMAGE_PIXELS, failOn: 'error', sequentialRead: true } as const;
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) {
    const raw = rawLayout(input);
    return sharp(input.data, { ...limits, raw });
  }
  const start = typeof input === 'string' ? await startOfFile(input) : input.subarray(0, START_BYTES);
  if (!isKnown(Buffer.from(start).toString('latin1')))
    throw new SphynxError(
      'image/unreadable',
      `${nameOf(input)} is not a PNG, JPEG or WebP file; save it as one of them and try again`,
    );
  return sharp(input, limits);
}

/** Whether the first START_BYTES, as Latin-1, are those of a PNG, JPEG or WebP file. */
function isKnown(start: string): boolean {
  const webp = start.startsWith('RIFF') && start.endsWith('WEBP');
  return start.startsWith('\x89PNG\r\n\x1a\n') || start.startsWith('\xff\xd8\xff') || webp;
}

function rawLayout(image: RawImage): { width: number; height: number; channels: 3 | 4 } {
  const { width, height, data } = image ?? {};
  const pixels = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  for (const channels of [3, 4] as const)
    if (pixels && data instanceof Uint8Array && data.length === width * height * channels)
      return { width, height, channels };
  throw new SphynxError(
    'image/unreadable',
    `expected width * height * 3 (RGB) or * 4 (RGBA) bytes of pixels, got ${data?.length} for ${width} x ${height}`,
  );
}

/** Returns the first bytes of a file. Reports problems with a path more clearly than the decoder would. */
async function startOfFile(path: string): Promise<Uint8Array> {
  const refuse = (why: string, cause?: unknown) =>
    new SphynxError('image/unreadable', `cannot read the image "${path}": ${why}`, { cause });
  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(error.code === 'ENOENT' ? 'there is no such file; check the path' : error.message, error);
  });
  if (status.isDirectory()) throw refuse('it is a folder; name the files in it');
  if (status.size === 0) throw refuse('the file is empty');
  const file = await openFile(path, 'r').catch((error: NodeJS.ErrnoException) => {
    const denied = error.code === 'EACCES' || error.code === 'EPERM';
    throw refuse(denied ? 'permission denied; check the permissions of the file' : error.message, error);
  });
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(START_BYTES), 0, START_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw refuse((error as Error).message, error);
  } finally {
    await file.close();
  }
}

function undecodable(input: ImageInput, cause: unknown): SphynxError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/pixel limit/i.test(reason))
    return new SphynxError(
      'image/unreadable',
      `${nameOf(input)} has more than ${MAX_IMAGE_PIXELS / 1e6} million pixels; make it smaller and try again`,
      { cause },
    );
  return new SphynxError(
    'image/unreadable',
    `cannot decode ${nameOf(input)}: expected a whole PNG, JPEG or WebP file; open it in a viewer and save it again`,
    { cause },
  );
}

function nameOf(input: ImageInput): string {
  return typeof input === 'string' ? `the image "${input}"` : 'the image given in memory';
}
