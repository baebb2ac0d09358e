/** The examples, run as their readers would, with the package's own sources in place of the installed package. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { writeNetwork } from '../model/stored-network.ts';
import { freePort } from './support/free-port.ts';
import { network } from './support/running-server.ts';
import { outcome, ROOT } from './support/sphynx.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const APPLE = join(ROOT, 'samples', 'apple.png');
const SEA = join(ROOT, 'samples', 'sea.png');

/** An example that imports the sources. */
function example(name: string, args: readonly string[]): ChildProcess {
  const source = (path: string) => pathToFileURL(join(ROOT, path)).href;
  const text = readFileSync(join(ROOT, 'examples', name), 'utf8')
    .replace("'sphynx-pi/server'", `'${source('server/index.ts')}'`)
    .replace("'sphynx-pi'", `'${source('client/index.ts')}'`);
  const file = join(folder, name);
  writeFileSync(file, text);
  return spawn(process.execPath, [file, ...args], {
    env: { ...process.env, SPHYNX_STATE: join(folder, 'state') },
  });
}

let server: ChildProcess;
after(() => server.kill('SIGKILL'));
let address: string;
const said: string[] = [];

before(async () => {
  const model = join(folder, 'model');
  mkdirSync(model);
  await writeNetwork(model, network);
  server = example('server.ts', [model, join(folder, 'server')]);
  const lines = createInterface(server.stdout!);
  const [first] = await once(lines, 'line');
  lines.on('line', (line) => said.push(line));
  address = /on (127\.0\.0\.1:\d+)$/.exec(first)?.[1] as string;
});

test('every example is short', () => {
  const files = globSync('examples/**/*.{ts,js,sh,html}', { cwd: ROOT });
  assert.ok(files.length >= 6);
  for (const file of files)
    assert.ok(readFileSync(join(ROOT, file), 'utf8').trim().split('\n').length < 40, file);
});

test('the example of a client prepares a bundle and classifies a picture', async () => {
  const { code, stdout, stderr } = await outcome(example('client.ts', [address, APPLE]));
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^class \d+ null$/m);
});

test('the example of a pool classifies several pictures', async () => {
  const { code, stdout, stderr } = await outcome(example('pool.ts', [address, APPLE, SEA]));
  assert.equal(code, 0, stderr);
  assert.equal(stdout.match(/\.png class \d+$/gm)?.length, 2, stdout);
});

test('the example of a server stops when it is told to', async () => {
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  assert.deepEqual([code, said.at(-1)], [0, 'stopped']);
});

test('the example without Python goes from an ONNX file to a private answer', async () => {
  const onnx = join(folder, 'uneven.onnx');
  const fixture = join(ROOT, 'test', 'model', 'fixtures', 'uneven.onnx.gz');
  writeFileSync(onnx, gunzipSync(readFileSync(fixture)));
  const photos = join(folder, 'photos');
  mkdirSync(photos);
  for (const file of [APPLE, SEA]) copyFileSync(file, join(photos, file.split('/').at(-1) as string));
  const script = join(folder, 'import.sh');
  const command = `${process.execPath} ${join(ROOT, 'cli', 'main.ts')}`;
  const text = readFileSync(join(ROOT, 'examples', 'import.sh'), 'utf8')
    .replaceAll('npx sphynx', command)
    .replaceAll('50099', String(await freePort()));
  writeFileSync(script, text);
  const { code, stdout, stderr } = await outcome(spawn('sh', [script, onnx, photos, APPLE]));
  assert.equal(code, 0, stderr);
  assert.ok((stdout.match(/class \d+/g)?.length ?? 0) >= 8, stdout);
});
