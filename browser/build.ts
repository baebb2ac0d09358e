/** Bundles the client for browsers into `dist/browser`: index.js, worker.js and the kernels. `npm run build:browser` */
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** Takes the browser's side of every edge, and the stand-in for gRPC. */
const edges: Plugin = {
  name: 'edges',
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
      const browserSide = join(resolveDir, path.replace(/\.ts$/, '.browser.ts'));
      return existsSync(browserSide) ? { path: browserSide } : undefined;
    });
    onResolve({ filter: /^@grpc\/grpc-js$/ }, () => ({ path: join(ROOT, 'browser/grpc.ts') }));
  },
};

/** Bundles scripts for browsers, by their names in `folder`, and puts the kernels there, which `worker` loads. */
export async function bundle(
  folder: string,
  entryPoints: Record<string, string>,
  { sourcemap }: { sourcemap: boolean },
): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints,
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    minify: true,
    sourcemap,
    plugins: [edges],
    logLevel: 'warning',
  });
  copyFileSync(join(ROOT, 'kernels/build/kernels.wasm'), join(folder, 'kernels.wasm'));
}

/** Writes the client to `folder`. Throws if anything of it would need Node. */
export function buildBrowser(folder: string): Promise<void> {
  return bundle(folder, { index: 'browser/index.ts', worker: 'browser/worker.ts' }, { sourcemap: true });
}

/** What a page loads (bytes), compressed as servers do. */
export function compressedBytes(folder: string): Record<string, number> {
  const files = readdirSync(folder).filter((name) => /\.(js|wasm)$/.test(name));
  return Object.fromEntries(
    files.map((name) => [name, brotliCompressSync(readFileSync(join(folder, name))).length]),
  );
}

if (import.meta.main) {
  const folder = join(ROOT, 'dist/browser');
  await buildBrowser(folder);
  console.table(compressedBytes(folder));
}
