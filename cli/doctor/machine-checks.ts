/** Checks what this machine must be able to do by trying it. */
import { randomBytes } from 'node:crypto';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultStateFolder } from '../../client/node/client-token.ts';
import { makePrivateFolder, storageError } from '../../client/node/storage.ts';
import { kernels } from '../../kernels/load.ts';
import { bytes } from '../units.ts';
import type { Finding } from './finding.ts';

/** Space for a few bundles of the known models (bytes). */
const COMFORTABLE_SPACE = 1e9;

const REINSTALL = 'reinstall the package: npm ci';

export function checkNode(): Finding {
  // An older Node fails before this point.
  return { name: 'node', state: 'ok', detail: `${process.version} on ${process.platform} ${process.arch}` };
}

export function checkKernels(): Promise<Finding> {
  return attempt('kernels', 'build them: npm run build:kernels', async () => {
    const { call } = kernels();
    return `${Object.keys(call).length} compiled functions`;
  });
}

export function checkEncryption(): Promise<Finding> {
  return attempt('encryption', REINSTALL, async () => {
    const { compareWithSeal } = await import('../../crypto/he/oracle/agreement.ts');
    await compareWithSeal();
    return 'SEAL decrypts our ciphertexts, and vice versa';
  });
}

export function checkImages(): Promise<Finding> {
  return attempt('images', `${REINSTALL} --include=optional`, async () => {
    const { default: sharp } = await import('sharp');
    await sharp({ create: { width: 2, height: 2, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    return `libvips ${sharp.versions.vips}`;
  });
}

export function checkStateFolder(folder = defaultStateFolder()): Promise<Finding> {
  return attempt('state', 'choose another folder with --state, or make room in this one', async () => {
    await makePrivateFolder(folder);
    const probe = join(folder, `.probe-${randomBytes(6).toString('hex')}`);
    try {
      await writeFile(probe, randomBytes(4096), { flush: true });
    } catch (error) {
      throw storageError(error, folder);
    } finally {
      await rm(probe, { force: true });
    }
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize < COMFORTABLE_SPACE)
      throw new Error(`${folder} has only ${bytes(bavail * bsize)} left`);
    return `${folder} is writable, ${bytes(bavail * bsize)} free`;
  });
}

async function attempt(name: string, remedy: string, check: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: 'ok', detail: await check() };
  } catch (error) {
    return { name, state: 'failed', detail: (error as Error).message, remedy };
  }
}
