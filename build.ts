/** Completes `dist` after tsc: the kernels, and a package.json of its own. Part of `npm run build`. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = import.meta.dirname;

/**
 * Writes the package.json of the compiled files. The nearest one decides where `#platform/...` and its like lead: the
 * one in the repository names the .ts files that Node runs there, and this one the .js files beside it.
 */
export function writeDescription(folder: string): void {
  const { name, version, type, imports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const compiled = JSON.parse(JSON.stringify(imports).replaceAll('.ts"', '.js"'));
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ name, version, type, imports: compiled }, null, 2)}\n`,
  );
}

if (import.meta.main) {
  const folder = join(ROOT, 'dist');
  cpSync(join(ROOT, 'kernels/build/kernels.wasm'), join(folder, 'kernels/build/kernels.wasm'));
  writeDescription(folder);
}
