/** What npm would publish: its files, and the links between those that people read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const [{ files }] = JSON.parse(
  execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' }),
) as [{ files: { path: string }[] }];
const packed = files.map(({ path }) => path);

test('links and pictures of what is packed lead to what is packed', () => {
  const pages = packed.filter((path) => path.endsWith('.md') && !path.startsWith('trainer/'));
  assert.ok(pages.includes('README.md') && pages.length > 8);
  const broken: string[] = [];
  for (const page of pages)
    for (const match of readFileSync(join(root, page), 'utf8').matchAll(
      /\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g,
    )) {
      const [target] = (match[1] ?? match[2]).split('#');
      if (target === '' || /^[a-z]+:/.test(target)) continue;
      const path = normalize(join(dirname(page), target)).replace(/\/$/, '');
      if (!packed.some((file) => file === path || file.startsWith(`${path}/`)))
        broken.push(`${page}: ${target}`);
    }
  assert.deepEqual(broken, []);
});

test('the package says which Node it needs, and what may be imported', () => {
  assert.equal(description.engines.node, '>=24');
  const exported = Object.keys(description.exports);
  for (const entry of [
    '.',
    './server',
    './browser',
    './browser/inline',
    './package.json',
    './model-zoo/*',
    './proto/*',
  ])
    assert.ok(exported.includes(entry), entry);
  assert.equal(description.bin[description.name], description.bin.sphynx, '`npx sphynx-pi` is the command');
});
