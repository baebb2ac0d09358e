/** Builds the page into `dist/web`: its files, the client's worker with both WASM files, and the samples. `npm run build:web` */
import { copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundle } from '../browser/build.ts';

const ROOT = join(import.meta.dirname, '..');

/** Writes the page to `folder`, in place of what was there. */
export async function buildPage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'samples'), { recursive: true });
  await bundle(folder, { page: 'web/page.ts', worker: 'browser/worker.ts' }, { sourcemap: false });
  for (const name of ['index.html', 'page.css', 'icon.svg'])
    copyFileSync(join(ROOT, 'web', name), join(folder, name));
  for (const path of globSync(join(ROOT, 'samples', '*.png')))
    copyFileSync(path, join(folder, 'samples', basename(path)));
}

if (import.meta.main) await buildPage(join(ROOT, 'dist', 'web'));
