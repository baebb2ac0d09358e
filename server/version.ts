import { readFileSync } from 'node:fs';

/** The package.json above the sources or, once compiled, above `server/` in `dist`. */
const FILE = new URL('../package.json', import.meta.url);

/** The version of this package. */
export const VERSION: string = JSON.parse(readFileSync(FILE, 'utf8')).version;
