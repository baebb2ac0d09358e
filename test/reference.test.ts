/** The pages that are written from the code are those of the code: `npm run docs` writes them. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeApi } from '../reference/api.ts';
import { withErrorTable } from '../reference/errors.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const DOCS = join(import.meta.dirname, '..', 'docs');

/** The pages of a folder, by their path in it. */
const pagesOf = (folder: string) =>
  Object.fromEntries(
    globSync('**/*.md', { cwd: folder })
      .sort()
      .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
  );

test('the table of error codes is that of the code', () => {
  const page = readFileSync(join(DOCS, 'errors.md'), 'utf8');
  assert.ok(page.split('\n| `').length > 25);
  assert.equal(page, withErrorTable(page), 'npm run docs:errors writes it anew');
});

test('the API reference is that of the docstrings', async () => {
  const folder = join(temporaryFolder(), 'api');
  await writeApi(folder);
  const pages = pagesOf(folder);
  assert.deepEqual(Object.keys(pages), ['README.md', 'browser.md', 'client.md', 'server.md']);
  assert.deepEqual(pagesOf(join(DOCS, 'api')), pages, 'npm run docs:api writes it anew');
});
