import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where CIFAR-100 in its binary layout is looked for: `test.bin`, or `test.bin.xz` where there is an `xz` command. */
const FOLDER = process.env.CIFAR100 ?? join(import.meta.dirname, '../../../shared/data/cifar-100');
const RECORD = 2 + 3 * 32 * 32;

/** The first `count` test images as planes of bytes [3, 32, 32], or undefined where the data set is not at hand. */
export function cifarImages(count: number): Uint8Array[] | undefined {
  const bytes = read();
  return bytes && Array.from({ length: count }, (_, i) => bytes.subarray(i * RECORD + 2, (i + 1) * RECORD));
}

function read(): Uint8Array | undefined {
  const plain = join(FOLDER, 'test.bin');
  if (existsSync(plain)) return readFileSync(plain);
  const packed = `${plain}.xz`;
  if (!existsSync(packed)) return undefined;
  try {
    return execFileSync('xz', ['-dc', packed], { maxBuffer: 2 ** 26 });
  } catch {
    return undefined;
  }
}
