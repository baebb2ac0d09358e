/** Bundles the client for browsers into `dist/browser`: index.js, worker.js and inline.js. `npm run build:browser` */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** Module name under which `inline.ts` imports the text of the built worker. */
const WORKER_SOURCE = 'sphynx:worker';

/** A plugin that resolves imports of the worker's text. */
const inlineWorker: Plugin = {
  name: 'inline worker',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^sphynx:worker$/ }, () => ({ path: WORKER_SOURCE, namespace: 'worker' }));
    onLoad({ filter: /.*/, namespace: 'worker' }, async () => {
      const built = await build({ ...OPTIONS, entryPoints: ['browser/worker.ts'], write: false });
      return { contents: built.outputFiles[0].text, loader: 'text' };
    });
  },
};

/** The worker includes the kernels, so that it is a single file. */
const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2024',
  minify: true,
  loader: { '.wasm': 'binary' },
  logLevel: 'warning',
} satisfies BuildOptions;

/** Bundles scripts for browsers and writes them to `folder` by name. */
export async function bundle(
  folder: string,
  entryPoints: Record<string, string>,
  { sourcemap }: { sourcemap: boolean },
): Promise<void> {
  await build({ ...OPTIONS, entryPoints, outdir: folder, sourcemap, plugins: [inlineWorker] });
}

const ENTRIES = {
  index: 'browser/index.ts',
  worker: 'browser/worker.ts',
  inline: 'browser/inline.ts',
};

/** Writes the client to `folder`. Throws if any part of it needs Node. */
export function buildBrowser(folder: string): Promise<void> {
  return bundle(folder, ENTRIES, { sourcemap: true });
}

/** Returns the size of what a page loads (bytes), compressed as by servers. */
export function compressedBytes(folder: string): Record<string, number> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  return Object.fromEntries(
    files.map((name) => [name, brotliCompressSync(readFileSync(join(folder, name))).length]),
  );
}

if (import.meta.main) {
  const folder = join(ROOT, 'dist/browser');
  await buildBrowser(folder);
  console.table(compressedBytes(folder));
}
