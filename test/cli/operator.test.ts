import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { sphynx, start } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PUBLIC = 'listen: 0.0.0.0:0\n';

function configFile(content: object | string): string {
  const path = join(temporaryFolder(), 'server.yaml');
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

test('certs makes private files, and never replaces one', async () => {
  const folder = join(temporaryFolder(), 'pki');
  const made = await sphynx(['certs', folder, '--client', 'alice', 'bob', '--days', '2']);
  assert.equal(made.code, 0, made.stderr);
  const files = readdirSync(folder).sort();
  const names = ['alice', 'bob', 'ca', 'server'].flatMap((name) => [`${name}-key.pem`, `${name}.pem`]);
  assert.deepEqual(files, names.sort());
  if (process.platform !== 'win32')
    for (const name of files) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  const before = readFileSync(join(folder, 'ca.pem'));
  rmSync(join(folder, 'alice.pem'));
  const again = await sphynx(['certs', folder]);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /already exists/);
  assert.deepEqual(readFileSync(join(folder, 'ca.pem')), before);
  for (const clients of [['ca'], ['ca-key'], ['../x'], ['a', 'a'], ['a', 'a-key']])
    assert.equal((await sphynx(['certs', join(folder, 'new'), '--client', ...clients])).code, 2);
});

test('tokens new prints a token and the line that admits it', async () => {
  const { stdout } = await sphynx(['--json', 'tokens', 'new', 'alice']);
  const { token, line } = JSON.parse(stdout);
  assert.match(line, /^alice sha256:/);
  assert.ok(!line.includes(token));
  const text = await sphynx(['tokens', 'new', 'alice']);
  assert.match(text.stdout, /sphynx_\S{43}\n.*\n {2}alice sha256:/);
  assert.equal((await sphynx(['tokens', 'new', 'a b'])).code, 2);
});

test('config check prints the effective configuration, or every wrong field', async () => {
  const { code, stdout } = await sphynx(['config', 'check', configFile('limits: { sessions: 3 }')], {
    SPHYNX_SERVE_LOG_LEVEL: 'warn',
  });
  assert.equal(code, 0);
  assert.match(stdout, /^listen: 127\.0\.0\.1:50051$/m);
  assert.match(stdout, /^ {2}sessions: 3$/m);
  assert.match(stdout, /^ {2}level: warn$/m);
  const set = ['--set', 'limits.sessions=4', 'listen=127.0.0.1:1234'];
  const other = await sphynx(['config', 'check', configFile('limits: { sessions: 3 }'), ...set]);
  assert.match(other.stdout, /^listen: 127\.0\.0\.1:1234$[\s\S]*sessions: 4/m);
  const metrics = await sphynx(['config', 'check', configFile('metrics: 9464')]);
  assert.match(metrics.stdout, /^metrics: "9464"$/m);
  const gone = await sphynx(['config', 'check', configFile('models: [no-such-model]')]);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /no-such-model/);
  for (const [content, message] of [
    ['web: { listen: 0.0.0.0:8443 }', /can be reached from other machines/],
    ['web: { listen: 127.0.0.1:8443, origins: ["*"] }', /an origin is written as browsers do/],
    ['store: { keys: /no/such/file }', /no\/such\/file/],
    ['store: { redis: "redis://127.0.0.1:6379" }', /one store key for all/],
  ] as const) {
    const refused = await sphynx(['config', 'check', configFile(content)]);
    assert.equal(refused.code, 2, content);
    assert.match(refused.stderr, message);
  }
  const wrong = await sphynx(['config', 'check', configFile('listen: x\nlimits: { sessions: 0 }')]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /listen: .*\n.*limits\.sessions: /);
});

test('with an empty configuration a public address is refused, by the check and by the server', async () => {
  const file = configFile('');
  const insecure = configFile(`${PUBLIC}insecure: true\n`);
  for (const args of [
    ['serve', '--config', file, '--listen', '0.0.0.0:0'],
    ['serve', '--listen', '0.0.0.0:0', '--insecure'],
    ['serve', '--config', insecure],
    ['config', 'check', configFile(PUBLIC)],
    ['config', 'check', insecure],
  ]) {
    const { code, stdout, stderr } = await sphynx(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /can be reached from other machines/);
  }
});

test('a configured server accepts clients with a certificate or token, and nobody else', async (t) => {
  const folder = join(temporaryFolder(), 'pki');
  assert.equal((await sphynx(['certs', folder])).code, 0);
  const { token, line } = JSON.parse((await sphynx(['--json', 'tokens', 'new', 'alice'])).stdout);
  writeFileSync(join(folder, 'tokens'), `${line}\n`);
  const tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  const config = join(folder, 'server.yaml');
  const content = {
    listen: '0.0.0.0:0',
    state: 'state',
    tls: {
      certificate: 'server.pem',
      key: 'server-key.pem',
      clientCa: 'ca.pem',
      clientCertificates: 'optional',
    },
    identity: { tokens: 'tokens' },
    log: { level: 'info' },
  };
  writeFileSync(config, stringify(content));
  const server = start(['--json', 'serve', '--config', config]);
  t.after(() => server.kill('SIGKILL'));
  let log = '';
  server.stderr?.on('data', (chunk) => (log += chunk));
  const [answer] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line');
  const { port } = JSON.parse(answer);
  const own = temporaryFolder();
  const ca = join(folder, 'ca.pem');
  const models = (args: string[], env: NodeJS.ProcessEnv = {}) =>
    sphynx(['models', '--server', `localhost:${port}`, '--state', own, '--ca', ca, ...args], env);
  const pair = ['--cert', join(folder, 'client.pem'), '--key', join(folder, 'client-key.pem')];
  assert.equal((await models(pair)).code, 0);
  assert.equal((await models(['--token-file', tokenFile])).code, 0);
  assert.equal((await models([], { SPHYNX_TOKEN: token })).code, 0);
  const stranger = await models([]);
  assert.equal(stranger.code, 1);
  assert.match(stranger.stderr, /identity\/missing: .*token or a client certificate/);
  const wrong = await models([], { SPHYNX_TOKEN: `${token.slice(0, -2)}xx` });
  assert.match(wrong.stderr, /identity\/invalid/);
  if (process.platform !== 'win32') {
    writeFileSync(join(folder, 'tokens'), '');
    server.kill('SIGHUP');
    while (!log.includes('reloaded')) await once(server.stderr as NodeJS.ReadableStream, 'data');
    assert.match((await models(['--token-file', tokenFile])).stderr, /identity\/invalid/);
  }
  assert.ok(!log.includes(token), 'tokens are not logged');
});
