/** Writes the table of docs/errors.md from the codes and their gRPC statuses: `npm run docs:errors` */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status as Status } from '@grpc/grpc-js';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import { refusalOf } from '../transport/status.ts';

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs', 'errors.md');
const HEAD = '| code | what happened | gRPC status |\n| --- | --- | --- |\n';

/** The rows of the table, one for each code, in the order of the type. */
function rows(): string[] {
  const source = readFileSync(join(ROOT, 'errors', 'sphynx-error.ts'), 'utf8');
  return [...source.matchAll(/\| '([a-z/]+)';? \/\/ ([^\n]+)/g)].map(([, code, meaning]) => {
    const { code: status } = refusalOf(new SphynxError(code as SphynxErrorCode, ''));
    return `| \`${code}\` | ${meaning} | ${Status[status]} |`;
  });
}

/** Returns `page` with its table, which ends the page, replaced by the one generated from the code. */
export function withErrorTable(page: string): string {
  const start = page.indexOf(HEAD);
  if (start < 0) throw new Error('docs/errors.md has lost the head of its table');
  return `${page.slice(0, start)}${HEAD}${rows().join('\n')}\n`;
}

if (import.meta.main) writeFileSync(PAGE, withErrorTable(readFileSync(PAGE, 'utf8')));
