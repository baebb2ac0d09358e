/** Reads and writes the header of a bundle file. */
import { open } from 'node:fs/promises';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { type BundleBody, type BundleHeader, HEADER_BYTES } from '../bundle-header.ts';
import { storageError } from './storage.ts';

const FORMAT = 1;

/** Durably writes the header into a file that a BundleWriter has finished. Throws 'storage/failed'. */
export async function writeHeader(path: string, header: BundleHeader): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, ...header }).padEnd(HEADER_BYTES - 1);
  try {
    const file = await open(path, 'r+');
    try {
      await file.write(`${text}\n`, 0);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw storageError(error, path);
  }
}

/** Reads the header and compares the file's length with it. Throws 'bundle/corrupt' or 'storage/failed'. */
export async function readHeader(path: string): Promise<BundleHeader> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw storageError(error, path);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const header = parseHeader(buffer.toString('utf8', 0, bytesRead), path);
    checkLength((await file.stat()).size, header.body, path);
    return header;
  } finally {
    await file.close();
  }
}

function parseHeader(text: string, path: string): BundleHeader {
  let header: Partial<BundleHeader> & { format?: number };
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw corrupt(path, 'its header is not readable', { cause });
  }
  const { format, ...rest } = header ?? {};
  if (format !== FORMAT) throw corrupt(path, `expected format ${FORMAT}, got ${format}`);
  const { bundleId, model, modelHash, planHash, preparedAt, expiresAt, offline, body } = rest;
  const texts = [bundleId, model, modelHash, planHash].every((value) => typeof value === 'string');
  const numbers = [
    preparedAt,
    expiresAt,
    offline?.ms,
    offline?.up,
    offline?.down,
    body?.bytes,
    body?.checksum,
  ];
  if (!texts || !numbers.every((value) => Number.isFinite(value)))
    throw corrupt(path, 'its header is incomplete');
  return rest as BundleHeader;
}

/** Throws 'bundle/corrupt' unless a file of `size` bytes can be a header and `body`. */
export function checkLength(size: number, body: BundleBody, path: string): void {
  if (size !== HEADER_BYTES + body.bytes)
    throw corrupt(path, `expected ${HEADER_BYTES + body.bytes} bytes, got ${size}`);
}

/** Returns the error for a bundle file that cannot be used. */
export function corrupt(path: string, why: string, options?: { cause: unknown }): SphynxError {
  return new SphynxError(
    'bundle/corrupt',
    `the bundle "${path}" is damaged: ${why}; it cannot be used, take or prepare another one`,
    options,
  );
}
