import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** For each folder, the folders that its files may import from besides their own. */
const FLOORS: Record<string, string[]> = {
  errors: [],
  kernels: ['errors'],
  crypto: ['errors', 'kernels'],
  model: ['errors', 'kernels'],
  protocol: ['errors', 'kernels', 'crypto', 'model'],
  transport: ['errors', 'kernels', 'model', 'protocol'],
  server: ['errors', 'crypto', 'model', 'protocol', 'transport'],
  client: ['errors', 'crypto', 'model', 'protocol', 'transport'],
  cli: ['errors', 'kernels', 'crypto', 'model', 'protocol', 'transport', 'server', 'client'],
  bench: ['errors', 'kernels', 'crypto', 'model', 'protocol', 'transport', 'server', 'client'],
};

const root = join(import.meta.dirname, '..');

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const targets = [...text.matchAll(/from '(\.[^']*)'|import\('(\.[^']*)'\)/g)].map(
    (match) => match[1] ?? match[2],
  );
  return targets.map((target) => normalize(join(dirname(file), target)));
}

test('every file imports from its own folder or from the floors below', () => {
  let files = 0;
  for (const [floor, below] of Object.entries(FLOORS))
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root, exclude: (name) => name === 'assembly' })) {
      files++;
      for (const target of importsOf(file)) {
        const folder = target.split('/')[0];
        assert.ok(folder === floor || below.includes(folder), `${file} imports ${target}`);
      }
    }
  assert.ok(files > 20, 'the folders were found');
});

test('the protocol and what is below it know no socket, no disk and no gRPC', () => {
  const banned = /from '(node:(fs|net|http2?|tls)|@grpc\/[^']*)'/;
  for (const floor of ['crypto', 'protocol'])
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root }))
      assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), banned, file);
});

test('secrets come from the system CSPRNG: no Math.random outside tests', () => {
  for (const floor of Object.keys(FLOORS))
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root }))
      assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), /Math\.random/, file);
});
