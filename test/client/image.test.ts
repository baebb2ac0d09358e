import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { prepareImage as prepareInBrowser } from '../../client/browser/image.ts';
import { MAX_IMAGE_PIXELS } from '../../client/limits.ts';
import { decodeImage } from '../../client/node/decode-image.ts';
import { prepareImage } from '../../client/node/image.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const card = {
  name: 'test',
  input: { channels: 3, height: 32, width: 32 },
  preprocessing: { width: 32, height: 32, mean: [0.5, 0.25, 0], std: [0.5, 0.25, 1], scaleBits: 8 },
};

const folder = temporaryFolder();

/** Pixel (x, y) of a prepared image as [r, g, b] bytes. */
function pixel(values: Float32Array, x: number, y: number): number[] {
  const { mean, std } = card.preprocessing;
  return mean.map((m, c) => Math.round((values[c * 1024 + y * 32 + x] * std[c] + m) * 255));
}

function near(actual: number[], expected: number[], tolerance: number): void {
  assert.ok(
    actual.every((value, c) => Math.abs(value - expected[c]) <= tolerance),
    `expected ${expected}, got ${actual}`,
  );
}

/** Red left half, blue right half. */
function halves(width: number, height: number) {
  const data = Buffer.alloc(width * height * 3);
  for (let p = 0; p < width * height; p++) data[p * 3 + (p % width < width / 2 ? 0 : 2)] = 255;
  return sharp(data, { raw: { width, height, channels: 3 } });
}

test('an image of the right size is normalised channel by channel and not resampled', async () => {
  const data = new Uint8Array(32 * 32 * 3).map((_, i) => (i * 37) % 256);
  const values = await prepareImage({ width: 32, height: 32, data }, card);
  assert.equal(values.length, 3072);
  for (const [x, y] of [
    [0, 0],
    [31, 0],
    [5, 17],
    [31, 31],
  ])
    assert.deepEqual(pixel(values, x, y), [...data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3)]);
});

for (const format of ['png', 'jpeg', 'webp'] as const)
  test(`${format} files and buffers give the same picture`, async () => {
    const bytes = await halves(64, 64).toFormat(format, { quality: 95 }).toBuffer();
    const path = join(folder, `halves.${format}`);
    await writeFile(path, bytes);
    const values = await prepareImage(bytes, card);
    assert.deepEqual(await prepareImage(path, card), values);
    near(pixel(values, 4, 16), [255, 0, 0], 6);
    near(pixel(values, 27, 16), [0, 0, 255], 6);
  });

test('a wide image keeps its proportions and loses its sides', async () => {
  const data = Buffer.alloc(96 * 32 * 3);
  for (let p = 0; p < 96 * 32; p++) data[p * 3 + Math.floor((p % 96) / 32)] = 255; // red, green, blue squares
  const values = await prepareImage({ width: 96, height: 32, data }, card);
  near(pixel(values, 2, 16), [0, 255, 0], 0);
  near(pixel(values, 29, 16), [0, 255, 0], 0);
});

test('transparency becomes white', async () => {
  const png = await sharp({
    create: { width: 32, height: 32, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  })
    .png()
    .toBuffer();
  near(pixel(await prepareImage(png, card), 16, 16), [255, 255, 255], 0);
  const values = await prepareImage({ width: 1, height: 1, data: Uint8Array.of(9, 9, 9, 0) }, card);
  near(pixel(values, 3, 3), [255, 255, 255], 0);
});

test('a photograph taken sideways is turned upright by its EXIF tag', async () => {
  // Orientation 6: the camera was turned; the picture is shown rotated by 90 degrees clockwise, left becomes top.
  const jpeg = await halves(64, 64).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
  const values = await prepareImage(jpeg, card);
  near(pixel(values, 16, 4), [255, 0, 0], 6);
  near(pixel(values, 16, 27), [0, 0, 255], 6);
});

test('grey, 16-bit and CMYK images arrive as sRGB', async () => {
  const grey = await halves(64, 64).greyscale().png().toBuffer();
  const [r, g, b] = pixel(await prepareImage(grey, card), 4, 4);
  assert.ok(r === g && g === b);
  const deep = await halves(64, 64).toColourspace('rgb16').png().toBuffer();
  near(pixel(await prepareImage(deep, card), 4, 4), [255, 0, 0], 2);
  const cmyk = await halves(64, 64).toColourspace('cmyk').jpeg().toBuffer();
  const [red, , blue] = pixel(await prepareImage(cmyk, card), 4, 4);
  assert.ok(red > 180 && blue < 80, `${red} ${blue}`);
});

const greyCard = {
  ...card,
  input: { ...card.input, channels: 1 },
  preprocessing: { ...card.preprocessing, mean: [0], std: [1] },
};

test('a grey network gets the Rec. 601 luma of the gamma-encoded values', async () => {
  // What PIL's convert('L') and OpenCV's COLOR_BGR2GRAY give.
  const known = [
    [[255, 0, 0], 76],
    [[0, 255, 0], 150],
    [[0, 0, 255], 29],
    [[255, 255, 255], 255],
    [[0, 0, 0], 0],
    [[1, 1, 1], 1],
    [[200, 100, 50], 124],
  ] as const;
  for (const [[r, g, b], grey] of known) {
    const data = new Uint8Array(32 * 32 * 3).map((_, i) => [r, g, b][i % 3]);
    const values = await prepareImage({ width: 32, height: 32, data }, greyCard);
    assert.equal(values.length, 1024);
    assert.equal(Math.round(values[500] * 255), grey, `${r}, ${g}, ${b}`);
  }
  const png = await halves(64, 64).png().toBuffer();
  const values = await prepareImage(png, greyCard);
  assert.deepEqual([Math.round(values[4] * 255), Math.round(values[27] * 255)], [76, 29]);
});

test('a grey file gives a grey network its own values', async () => {
  const data = Uint8Array.from({ length: 1024 }, (_, i) => i % 256);
  const png = await sharp(data, { raw: { width: 32, height: 32, channels: 1 } })
    .png()
    .toBuffer();
  const values = await prepareImage(png, greyCard);
  assert.deepEqual(
    Array.from(values, (value) => Math.round(value * 255)),
    [...data],
  );
});

for (const [kind, reader] of [
  ['colour', card],
  ['grey', greyCard],
] as const)
  test(`a browser prepares pixels for a ${kind} network as Node does`, async () => {
    const data = Uint8Array.from({ length: 32 * 32 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
    const image = { width: 32, height: 32, data };
    assert.deepEqual(await prepareInBrowser(image, reader), await prepareImage(image, reader));
  });

for (const [kind, reader] of [
  ['colour', card],
  ['grey', greyCard],
] as const)
  test(`a decoded picture stands for its file, for a ${kind} network`, async () => {
    const wide = halves(96, 64).withMetadata({ orientation: 6 });
    for (const file of [await wide.clone().jpeg().toBuffer(), await wide.greyscale().png().toBuffer()])
      assert.deepEqual(
        await prepareImage(await decodeImage(file, reader), reader),
        await prepareImage(file, reader),
      );
  });

test('a model that reads no images is refused', async () => {
  const odd = { ...card, input: { ...card.input, channels: 5 } };
  await assert.rejects(prepareImage({ width: 1, height: 1, data: new Uint8Array(3) }, odd), {
    code: 'model/unsupported',
  });
});

test('a file that is missing, empty, a folder, not an image or cut short is named with what to do', async () => {
  const whole = await halves(600, 600).jpeg().toBuffer();
  const files: [string, Uint8Array | undefined, RegExp][] = [
    ['missing.png', undefined, /missing\.png.*no such file/],
    ['empty.png', new Uint8Array(0), /empty\.png.*empty/],
    ['text.png', Buffer.from('not an image'), /text\.png.*PNG, JPEG or WebP/],
    ['cut.jpg', whole.subarray(0, whole.length >> 1), /cut\.jpg.*whole/],
    [
      'drawing.svg',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /svg.*not a PNG.*save it/,
    ],
  ];
  for (const [name, bytes, message] of files) {
    const path = join(folder, name);
    if (bytes) await writeFile(path, bytes);
    await assert.rejects(prepareImage(path, card), { code: 'image/unreadable', message });
  }
  await assert.rejects(prepareImage(folder, card), { code: 'image/unreadable', message: /folder/ });
  await assert.rejects(prepareImage(Buffer.from('nothing'), card), {
    code: 'image/unreadable',
    message: /in memory/,
  });
});

test('a small file that unpacks to a huge picture is refused before it is unpacked', async () => {
  const side = Math.ceil(Math.sqrt(MAX_IMAGE_PIXELS)) + 1;
  await assert.rejects(prepareImage(hugePng(side), card), {
    code: 'image/unreadable',
    message: /million pixels/,
  });
});

test('files that are not images are refused, and so are other formats that libvips could read', async () => {
  const tiff = await halves(8, 8).tiff().toBuffer();
  for (const input of [null, undefined, 5, {}, new Uint8Array(0), new Uint16Array(4), tiff])
    await assert.rejects(prepareImage(input as never, card), { code: 'image/unreadable' });
  for (const raw of [{ data: new Uint8Array(9) }, { data: 'abcdefghi' }, { data: null }])
    await assert.rejects(prepareImage({ width: 1.5, height: 2, ...raw } as never, card), {
      code: 'image/unreadable',
    });
});

test('pixels whose number does not fit the size are refused', async () => {
  for (const [width, height, bytes] of [
    [2, 2, 11],
    [2, 2, 17],
    [0, 0, 0],
    [-1, -1, 3],
    [Number.NaN, 1, 3],
  ])
    await assert.rejects(prepareImage({ width, height, data: new Uint8Array(bytes) }, card), {
      code: 'image/unreadable',
      message: /bytes of pixels/,
    });
});

/** A valid header of a side x side PNG, followed by very little data. */
function hugePng(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1 << 16))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
