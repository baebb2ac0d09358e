import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { clientToken, defaultStateFolder } from '../../client/node/client-token.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'sphynx-state-'));
});
afterEach(() => rm(state, { recursive: true }));

const SERVER = 'localhost:1';

test("the client's secret is drawn once and readable by the user alone", async () => {
  const token = await clientToken(join(state, 'new'), SERVER);
  assert.match(token, /^[0-9a-f]{32}$/);
  assert.equal(await clientToken(join(state, 'new'), SERVER), token);
  assert.notEqual(await clientToken(join(state, 'other'), SERVER), token);
  assert.deepEqual(await readdir(join(state, 'new')), ['client-secret']);
  if (process.platform !== 'win32')
    assert.equal((await stat(join(state, 'new', 'client-secret'))).mode & 0o777, 0o600);
});

test('every server is shown another token, and none is the secret', async () => {
  const tokens = await Promise.all(['a:1', 'a:2', 'b:1'].map((address) => clientToken(state, address)));
  const secret = (await readFile(join(state, 'client-secret'), 'utf8')).trim();
  assert.equal(new Set([...tokens, secret]).size, 4);
});

test('processes that start at the same time agree on one token', async () => {
  const script = join(import.meta.dirname, 'store-process.ts');
  const draw = () => promisify(execFile)(process.execPath, [script, 'token', state]);
  const tokens = (await Promise.all([draw(), draw(), draw(), clientTokenLine(), clientTokenLine()])).map(
    ({ stdout }) => stdout,
  );
  assert.equal(new Set(tokens).size, 1);
  async function clientTokenLine() {
    return { stdout: `"${await clientToken(state, SERVER)}"\n` };
  }
});

test('a damaged secret is not replaced in silence', async () => {
  await writeFile(join(state, 'client-secret'), 'oops');
  await assert.rejects(clientToken(state, SERVER), { code: 'storage/failed', message: /delete it/ });
});

test('the state folder is the one asked for, or where the platform keeps application data', () => {
  assert.equal(defaultStateFolder({ SPHYNX_STATE: '/x', XDG_DATA_HOME: '/y' }), '/x');
  assert.equal(defaultStateFolder({ XDG_DATA_HOME: '/y' }), join('/y', 'sphynx'));
  if (process.platform === 'linux') assert.match(defaultStateFolder({}), /\.local\/share\/sphynx$/);
});

test('a state folder that everybody can write to is refused', {
  skip: process.platform === 'win32',
}, async () => {
  await chmod(state, 0o777);
  await assert.rejects(clientToken(state, SERVER), { code: 'storage/failed', message: /everybody/ });
  await clientToken(join(state, 'own'), SERVER);
});
