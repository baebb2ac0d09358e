import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A port that nobody listens on: 9 is the discard service. */
const NOBODY = '127.0.0.1:9';

const state = temporaryFolder();

test('help and version end with 0 and name every command', async () => {
  const help = await sphynx(['--help']);
  assert.equal(help.code, 0);
  for (const command of [
    'serve',
    'certs',
    'tokens',
    'config',
    'models',
    'import',
    'prepare',
    'classify',
    'doctor',
  ])
    assert.match(help.stdout, new RegExp(`^  ${command}`, 'm'));
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  assert.deepEqual(await sphynx(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

const WRONG: [string, string[], RegExp][] = [
  ['an unknown command', ['clasify'], /unknown command.*classify/s],
  ['an unknown option', ['models', '--sever', 'x'], /unknown option.*--server/s],
  ['no image', ['classify'], /missing required argument 'input'/],
  ['a count that is no number', ['prepare', '--count', 'many'], /whole number of at least 1/],
  ['a count of none', ['prepare', '--count', '0'], /whole number of at least 1/],
  ['an address without a port', ['models', '--server', 'localhost'], /config\/invalid.*HOST:PORT/],
  ['TLS and plaintext at once', ['models', '--server', NOBODY, '--tls', '--insecure'], /not both/],
  ['an authority that is not there', ['models', '--server', NOBODY, '--ca', '/nowhere.pem'], /nowhere\.pem/],
  ['a certificate without its key', ['serve', '--tls-cert', 'x.pem'], /--tls-key/],
  ['an output that is none', ['serve', '--output', 'top-1'], /logits, label, or top-2/],
];
for (const [what, args, message] of WRONG)
  test(`${what} ends with 2 and says what is expected`, async () => {
    const { code, stdout, stderr } = await sphynx(args, { SPHYNX_STATE: state });
    assert.match(stderr, message);
    assert.equal(stdout, '');
    assert.equal(code, 2);
  });

test('without a server each command fails in one line with the code and what to do', async () => {
  for (const command of [['models'], ['prepare'], ['classify', join(ROOT, 'samples', 'apple.png')]]) {
    const { code, stdout, stderr } = await sphynx([...command, '--server', NOBODY, '--state', state]);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^sphynx: server\/unreachable: cannot reach a server at 127\.0\.0\.1:9: nothing listens there; run `sphynx doctor --server 127\.0\.0\.1:9`\n$/,
    );
  }
});

test('with --json a failure is one object on stdout', async () => {
  const { code, stdout } = await sphynx(['--json', 'models', '--server', NOBODY, '--state', state]);
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).error.code, 'server/unreachable');
});

test('with --verbose a failure prints its stack trace', async () => {
  const { stderr } = await sphynx(['models', '--verbose', '--server', NOBODY, '--state', state]);
  assert.match(stderr, /\n {4}at .*\ncaused by: SphynxError/s);
});

test('a state folder that cannot be used is named', async () => {
  const file = join(state, 'file');
  await writeFile(file, '');
  const { code, stderr } = await sphynx(['models', '--server', NOBODY, '--state', file]);
  assert.equal(code, 1);
  assert.match(stderr, /storage\/failed.*file/);
});

test('plaintext to another machine needs --insecure: TLS is tried otherwise', async () => {
  const { stderr } = await sphynx(['models', '--server', 'example.invalid:1', '--state', state]);
  assert.match(stderr, /server\/unreachable|protocol\/deadline/);
});
