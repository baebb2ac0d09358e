import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildBrowser, compressedBytes } from '../../browser/build.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();
await buildBrowser(folder);

test('a page loads at most 0.1 MB including the kernels, in two files or in one', () => {
  const sizes = compressedBytes(folder);
  assert.deepEqual(Object.keys(sizes).sort(), ['index.js', 'inline.js', 'worker.js']);
  assert.ok(sizes['index.js'] + sizes['worker.js'] <= 1e5, JSON.stringify(sizes));
  assert.ok(sizes['inline.js'] <= 1e5, JSON.stringify(sizes));
});

test('nothing in it needs Node, and nothing compiles code from text', () => {
  for (const name of ['index.js', 'worker.js', 'inline.js']) {
    const text = readFileSync(join(folder, name), 'utf8');
    assert.doesNotMatch(text, /["']node:|\beval\(|new Function\(/, name);
  }
});
