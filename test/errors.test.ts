import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { status as Status } from '@grpc/grpc-js';
import { SphynxError, type SphynxErrorCode } from '../errors/sphynx-error.ts';
import { toStatus } from '../transport/grpc/to-status.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8');

test('the table of error codes is that of the code', () => {
  const codes = [...read('errors/sphynx-error.ts').matchAll(/\| '([a-z/]+)';? \/\/ ([^\n]+)/g)];
  assert.ok(codes.length > 25);
  const rows = codes.map(([, code, meaning]) => {
    const { code: status } = toStatus(new SphynxError(code as SphynxErrorCode, ''));
    return `| \`${code}\` | ${meaning} | ${Status[status]} |`;
  });
  const table = read('docs/errors.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.deepEqual(table, rows);
});
