import { greyOf, type ModelCard, type PassedSegment } from '../browser/index.ts';
import { element, show, write } from './elements.ts';
import { bytes, size, whole } from './quantities.ts';
import { total } from './rounds.ts';

const WORD_BYTES = 4;

/** Number of brightness ranges: few enough that noise looks uniform for an image of 32 x 32. */
const BINS = 24;

/** Shows the picture as the network takes it beside what the server received of it in this inference. */
export function showServerView(
  { input }: ModelCard,
  original: ImageData,
  segments: readonly PassedSegment[],
): void {
  const sent = segments.filter(({ direction }) => direction === 'sent');
  const received = join(sent.filter(({ kind }) => kind === 'masked-input'));
  const masked = shareAsImage(received, input.width, input.height);
  const taken = input.channels === 1 ? inGrey(original) : original;
  draw('view-original', taken);
  draw('view-masked', masked);
  drawSpread('spread-original', taken);
  drawSpread('spread-masked', masked);
  write('view-size', size(input.width, input.height));
  const all = total(sent, 'sent');
  write('view-input', whole(received.length / WORD_BYTES));
  write('view-activations', whole((all - received.length) / WORD_BYTES));
  write('view-bytes', bytes(all));
  show('view');
}

/** Joins all pieces of one tensor. */
function join(pieces: readonly PassedSegment[]): Uint8Array {
  const tensor = new Uint8Array(total(pieces, 'sent'));
  for (const { offset, data } of pieces) tensor.set(data as Uint8Array, offset);
  return tensor;
}

/** Converts the image to grey, as for a network of one channel. */
function inGrey({ data, width, height }: ImageData): ImageData {
  const image = new ImageData(width, height);
  const grey = greyOf(new Uint8Array(data).filter((_, i) => i % 4 !== 3));
  for (const [p, value] of grey.entries()) image.data.set([value, value, value, 255], 4 * p);
  return image;
}

/**
 * A masked image, [channels, height, width] numbers of 32 bits in little endian, with the highest byte of each as a
 * colour or, for one channel, as a shade of grey: the best view that a receiver has.
 */
export function shareAsImage(share: Uint8Array, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  const plane = width * height;
  const grey = share.length === WORD_BYTES * plane;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) image.data[4 * p + c] = share[WORD_BYTES * ((grey ? 0 : c) * plane + p) + 3];
    image.data[4 * p + 3] = 255;
  }
  return image;
}

/** Counts an image's colour values in each of `bins` equal ranges of brightness. */
export function spread({ data }: ImageData, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < data.length; i++) if (i % 4 !== 3) counts[Math.floor((data[i] * bins) / 256)]++;
  return counts;
}

function drawSpread(id: string, image: ImageData): void {
  const counts = spread(image, BINS);
  const most = Math.max(...counts);
  const bars = counts.map((count) => {
    const bar = document.createElement('span');
    bar.style.height = `${(100 * count) / most}%`;
    return bar;
  });
  element(id).replaceChildren(...bars);
}

function draw(id: string, image: ImageData): void {
  const canvas = element<HTMLCanvasElement>(id);
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext('2d')?.putImageData(image, 0, 0);
}
