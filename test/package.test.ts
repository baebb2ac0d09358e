/** What npm would publish: its files, and the links between those that people read. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { writeDescription } from '../build.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

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

test('what tsc compiles runs in Node, from the compiled files alone', () => {
  const folder = temporaryFolder();
  const dist = join(folder, 'dist');
  const run = (...command: string[]) =>
    spawnSync(process.execPath, command, {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, SPHYNX_STATE: join(folder, 'state') },
    });
  const compiled = run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', dist);
  assert.equal(compiled.status, 0, compiled.stdout);
  writeDescription(dist);
  for (const name of ['node_modules', 'model-zoo', 'proto', 'package.json'])
    symlinkSync(join(root, name), join(folder, name));
  symlinkSync(join(root, 'kernels', 'build'), join(dist, 'kernels', 'build'));
  const main = join(dist, 'cli', 'main.js');
  assert.equal(run(main, '--version').stdout.trim(), description.version);
  // It has no server to examine here. The kernels, the ciphers and the digests all take part in our encryption.
  const doctor = run(main, 'doctor', '--server', '127.0.0.1:1');
  assert.match(doctor.stdout, /^ok +kernels.*\nok +encryption/m, doctor.stderr);
  for (const worker of ['client/node/worker.js', 'server/worker.js'])
    assert.ok(existsSync(join(dist, worker)), worker);
  const source = globSync('**/*.js', { cwd: dist }).filter((file) =>
    /(?:from |import\()'\.[^']*\.ts'/.test(readFileSync(join(dist, file), 'utf8')),
  );
  assert.deepEqual(source, []);

  // A project that has installed it: the examples pass TypeScript's strictest customary options, and CommonJS may require it.
  const project = join(folder, 'project');
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(folder, join(project, 'node_modules', 'sphynx-pi'), 'dir');
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
  const examples = globSync('*.ts', { cwd: join(root, 'examples') });
  for (const file of examples) copyFileSync(join(root, 'examples', file), join(project, file));
  const compilerOptions = {
    module: 'nodenext',
    target: 'esnext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    noEmit: true,
    typeRoots: [join(root, 'node_modules', '@types')],
    types: ['node'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const checked = run('node_modules/typescript/bin/tsc', '-p', project);
  assert.equal(checked.status, 0, checked.stdout);
  writeFileSync(join(project, 'required.cjs'), "process.stdout.write(typeof require('sphynx-pi').connect);");
  const required = run(join(project, 'required.cjs'));
  assert.equal(required.stdout, 'function', required.stderr);

  const old =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });";
  writeFileSync(join(project, 'old.mjs'), `${old}\nawait import(process.argv[2]);`);
  for (const entry of ['sphynx-pi', 'sphynx-pi/server'])
    assert.match(run(join(project, 'old.mjs'), entry).stderr, /^Error: sphynx-pi needs Node 24 or newer/m);
});
