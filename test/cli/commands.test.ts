import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { firstMessage } from '../support/first-message.ts';
import { network } from '../support/running-server.ts';
import { type Outcome, outcome, ROOT, sphynx, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const { card } = network;
const APPLE = join(ROOT, 'samples', 'apple.png');
const SEA = join(ROOT, 'samples', 'sea.png');
const state = temporaryFolder();
let server: string;

const child = fork(join(ROOT, 'test', 'support', 'server-process.ts'), [temporaryFolder()]);
after(() => child.kill('SIGKILL'));
before(async () => {
  const port = await firstMessage<number>(child);
  server = `127.0.0.1:${port}`;
});

/** A command against the server of this file. */
function command(...args: string[]): Promise<Outcome> {
  return sphynx([...args, '--server', server], { SPHYNX_STATE: state });
}

/** The one object on stdout; throws if anything else is there. */
async function json(...args: string[]) {
  const { code, stdout, stderr } = await command('--json', ...args);
  assert.match(stdout, /^\{.*\}\n$/, 'one line, one object');
  return { code, stderr, value: JSON.parse(stdout) };
}

test('models lists what the server offers and what an image costs', async () => {
  const { code, stdout, stderr } = await command('models');
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.match(
    stdout,
    new RegExp(
      `${card.name} +a colour picture of 8x8 pixels +one of 10 classes +logits .*${card.hash.slice(0, 12)}`,
    ),
  );
  const { value } = await json('models');
  assert.equal(value.server, server);
  assert.equal(value.models[0].hash, card.hash);
});

test('prepare makes bundles, with plain progress lines on stderr where there is no terminal', async () => {
  const { code, value, stderr } = await json('prepare', '--count', '2');
  assert.equal(code, 0);
  assert.deepEqual([value.model, value.prepared.length, value.ready], [card.name, 2, 2]);
  assert.match(stderr, /preparing: .* of .*, 2 of 2 bundles ready/);
});

test('classify gives each image its classes, and one failure does not affect the others', async () => {
  const { code, value, stderr } = await json('classify', APPLE, '/missing.png', SEA, '--top', '2');
  assert.equal(code, 1);
  assert.match(stderr, /sphynx: image\/unreadable: .*missing\.png/);
  assert.deepEqual(
    value.images.map(({ name }: { name: string }) => name),
    [APPLE, '/missing.png', SEA],
  );
  const [apple, missing] = value.images;
  assert.equal(missing.error.code, 'image/unreadable');
  assert.equal(apple.top.length, 2);
  assert.equal(apple.logits.length, card.labels.length);
  assert.ok(apple.timings.onlineMs > 0 && apple.bytes.offline.down > 0);
});

test('classify prepares missing bundles and says so; with --no-prepare it names the remedy', async () => {
  const refused = await command('classify', APPLE, '--no-prepare');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /bundle\/none: .*sphynx prepare/);
  const { code, stdout, stderr } = await command('classify', APPLE);
  assert.equal(code, 0);
  assert.match(stderr, /1 bundle more needed/);
  assert.match(stdout, /apple\.png\n +\d+\.\d% {2}class \d\n.*offline .*; online .* rounds/s);
});

test('doctor finds no problem', async () => {
  const { code, stdout } = await command('doctor');
  assert.match(stdout, /All is well\.\n$/);
  assert.equal(code, 0);
  const { value } = await json('doctor');
  assert.ok(value.ok && value.checks.length >= 7);
});

test('Ctrl-C while preparing ends with 1 and leaves nothing half done', {
  skip: process.platform === 'win32',
}, async () => {
  const own = temporaryFolder();
  const child = start(['prepare', '--count', '50', '--server', server, '--state', own]);
  child.stderr?.once('data', () => child.kill('SIGINT'));
  const { code, stdout, stderr } = await outcome(child);
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /sphynx: aborted: interrupted/);
  const files = readdirSync(own, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files.filter((name) => /partial|spending/.test(name)),
    [],
  );
  assert.equal((await command('models')).code, 0);
});
