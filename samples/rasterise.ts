/** Turns the drawings of this folder into the PNG files that the demo classifies: `npm run samples`. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const folder = import.meta.dirname;
for (const file of (await readdir(folder)).filter((name) => name.endsWith('.svg'))) {
  const png = join(folder, file.replace(/\.svg$/, '.png'));
  await sharp(join(folder, file))
    .flatten({ background: 'white' })
    .resize(256, 256)
    .png({ palette: true, colours: 256, effort: 10 })
    .toFile(png);
  console.log(png);
}
