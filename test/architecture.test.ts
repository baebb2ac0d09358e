import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** What programs may import besides the server and the client. */
const BELOW_PROGRAMS = [
  'errors',
  'platform',
  'kernels',
  'crypto',
  'model',
  'importer',
  'fixtures',
  'protocol',
  'threads',
  'transport',
];

/** For each folder, the folders that its files may import from besides their own. */
const FLOORS: Record<string, string[]> = {
  errors: [],
  platform: ['errors'],
  kernels: ['errors'],
  crypto: ['errors', 'platform', 'kernels'],
  model: ['errors', 'platform', 'kernels'],
  protocol: ['errors', 'platform', 'kernels', 'crypto', 'model'],
  importer: ['errors', 'platform', 'kernels', 'model'],
  fixtures: ['model'],
  threads: ['errors', 'platform', 'kernels', 'crypto', 'model', 'protocol', 'fixtures'],
  transport: ['errors', 'platform', 'kernels', 'model', 'protocol'],
  server: ['errors', 'platform', 'crypto', 'model', 'importer', 'protocol', 'threads', 'transport'],
  client: ['errors', 'platform', 'crypto', 'model', 'protocol', 'threads', 'transport'],
  browser: ['errors', 'platform', 'kernels', 'model', 'transport', 'client'],
  web: ['browser'],
  cli: [...BELOW_PROGRAMS, 'server', 'client'],
  bench: [...BELOW_PROGRAMS, 'server', 'client'],
  stress: [...BELOW_PROGRAMS, 'server', 'client', 'bench', 'test/support'],
};

const root = join(import.meta.dirname, '..');

/** The files that a file imports, types included. `#FLOOR/NAME` is FLOOR/node/NAME.ts or FLOOR/browser/NAME.ts. */
function importsOf(file: string, platform: 'node' | 'browser' = 'node'): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const byCondition = [...text.matchAll(/(?:from|import) '#(\w+)\/([^']*)'/g)].map(
    ([, floor, name]) => `${floor}/${platform}/${name}.ts`,
  );
  const targets = [...text.matchAll(/(?:from|import) '(\.[^']*)'|import\('(\.[^']*)'\)/g)].map(
    (match) => match[1] ?? match[2],
  );
  return [...byCondition, ...targets.map((target) => normalize(join(dirname(file), target)))];
}

test('every file imports from its own folder or from the floors below', () => {
  let files = 0;
  for (const [floor, below] of Object.entries(FLOORS))
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root, exclude: (name) => name === 'assembly' })) {
      files++;
      for (const target of importsOf(file)) {
        const mayImport = [floor, ...below].some((folder) => target.startsWith(`${folder}/`));
        assert.ok(mayImport, `${file} imports ${target}`);
      }
    }
  assert.ok(files > 20, 'the folders were found');
});

/** A path of imports from a file back to itself, if there is one. */
function circleAmong(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const path: string[] = [];
  const done = new Set<string>();
  const visit = (file: string): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const target of imports.get(file) ?? []) {
      const circle = visit(target);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of imports.keys()) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return undefined;
}

test('no file imports itself through others', () => {
  assert.deepEqual(
    circleAmong(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  );
  const folders = [...Object.keys(FLOORS), 'examples', 'reference', 'samples', 'test'].join(',');
  const files = globSync(`{${folders}}/**/*.ts`, { cwd: root });
  assert.ok(files.length > 500, 'the files were found');
  for (const platform of ['node', 'browser'] as const) {
    const imports = new Map(files.map((file) => [file, importsOf(file, platform)]));
    assert.equal(circleAmong(imports)?.join(' imports '), undefined);
  }
});

test('the protocol and what is below it know no socket, no disk and no gRPC', () => {
  const banned = /from '(node:(fs|net|https?|http2|tls)(\/[^']*)?|@grpc\/[^']*)'/;
  for (const floor of ['crypto', 'protocol'])
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root }))
      assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), banned, file);
});

test('SEAL is used only by tests, benchmarks and the doctor, never by the protocol or a page', () => {
  const askers = ['crypto/he/oracle/', 'bench/kernels/', 'cli/doctor/'];
  let asked = 0;
  for (const floor of Object.keys(FLOORS))
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root, exclude: (name) => name === 'assembly' })) {
      const text = readFileSync(join(root, file), 'utf8');
      if (text.includes("'node-seal")) assert.ok(file.startsWith('crypto/he/oracle/'), file);
      if (!importsOf(file).some((target) => target.startsWith('crypto/he/oracle/'))) continue;
      asked++;
      assert.ok(
        askers.some((asker) => file.startsWith(asker)),
        `${file} asks SEAL`,
      );
    }
  assert.ok(asked >= 3, 'the askers were found');
});

/** Floors that run in Node and in browsers alike. */
const ANYWHERE = [
  'errors',
  'platform',
  'kernels',
  'crypto',
  'model',
  'fixtures',
  'protocol',
  'threads',
  'client',
];

/** What servers read models with; no client imports it. */
const SERVERS_ONLY = ['model/stored-network.ts'];

/** In browsers `browser/NAME.ts` takes the place of `node/NAME.ts`. */
const browserSide = (file: string) => file.replace('/node/', '/browser/');
const isOfNode = (file: string) => file.includes('/node/');

test('code that also runs in browsers depends on Node only in node/ folders', () => {
  const node =
    /from 'node:|\b(Buffer|setImmediate|__dirname)\b|\bprocess\.(env|pid|platform|memoryUsage)|\brequire\(/;
  let ofNode = 0;
  for (const floor of ANYWHERE)
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root, exclude: (name) => name === 'assembly' })) {
      if (SERVERS_ONLY.some((path) => file.startsWith(path))) continue;
      if (isOfNode(file)) ofNode++;
      else assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), node, file);
    }
  assert.ok(ofNode >= 3, 'the files for Node were found');
});

test('the implementations for Node and for browsers offer the same', async () => {
  for (const floor of ANYWHERE)
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root }).filter(isOfNode)) {
      if (!existsSync(join(root, browserSide(file)))) continue;
      const [node, browser] = await Promise.all([
        import(join(root, file)),
        import(join(root, browserSide(file))),
      ]);
      for (const name of Object.keys(node))
        assert.equal(typeof browser[name], typeof node[name], `${file}: ${name}`);
    }
});

test('secrets come from the system CSPRNG: no Math.random outside tests', () => {
  for (const floor of Object.keys(FLOORS))
    for (const file of globSync(`${floor}/**/*.ts`, { cwd: root }))
      assert.doesNotMatch(readFileSync(join(root, file), 'utf8'), /Math\.random/, file);
});
