import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's description stands above the sources, and above `dist` once compiled. */
const FILE = ['../package.json', '../../package.json']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find(existsSync) as string;

/** The version of this package. */
export const VERSION: string = JSON.parse(readFileSync(FILE, 'utf8')).version;
