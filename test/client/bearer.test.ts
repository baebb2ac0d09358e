import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectOptions } from '../../cli/server-connection.ts';
import { connect } from '../../client/index.ts';
import { DevelopmentAuthority } from '../../server/identity/development-certificates.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { hostileServer } from '../support/hostile-server.ts';
import { fileOf, tlsFiles } from '../support/keys.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SECRET = 'sphynx_secret';
const attempt = (address: string, options: object) =>
  connect(address, { stateFolder: temporaryFolder(), ...options });

test('a bearer token goes over TLS or to this machine, and nowhere else', async () => {
  await assert.rejects(attempt('192.0.2.1:1', { token: SECRET, insecure: true }), {
    code: 'config/invalid',
    message: /over TLS or to this machine/,
  });
  const seen: unknown[] = [];
  const address = await hostileServer({ onCall: (metadata) => seen.push(metadata.get('authorization')) });
  await (await attempt(address, { token: SECRET })).close();
  let calls = 0;
  await (await attempt(address, { token: () => `${SECRET}${++calls}` })).close();
  await (await attempt(address, {})).close();
  assert.deepEqual(seen, [[`Bearer ${SECRET}`], [`Bearer ${SECRET}1`], []]);
});

test('an invalid token is refused before it is sent, and not quoted', async () => {
  for (const token of ['', `${SECRET}\n`, 'two words', 'schlüssel'])
    await assert.rejects(
      attempt('127.0.0.1:1', { token }),
      (error: Error & { code: string }) =>
        error.code === 'config/invalid' && (token === '' || !error.message.includes(token)),
    );
});

test('a token function that throws costs no bundle', async () => {
  const alice = newToken('alice');
  const server = await runningServer({ identity: { tokens: fileOf(alice.line) } });
  let lost = false;
  const token = () => {
    if (lost) throw new TypeError('no token');
    return alice.token;
  };
  const client = await attempt(`127.0.0.1:${server.port}`, { token });
  await client.prepare();
  lost = true;
  const { width, height } = network.card.preprocessing;
  const image = { width, height, data: new Uint8Array(3 * width * height) };
  await assert.rejects(client.classify(image), { code: 'internal' });
  assert.equal((await client.bundles()).length, 1);
  lost = false;
  await client.classify(image);
  assert.equal((await client.bundles()).length, 0);
  await client.close();
});

test('a client certificate needs its key, and both must be PEM', async () => {
  const { certificate, key } = await (await DevelopmentAuthority.create('authority', 1)).client('alice');
  for (const tls of [{ certificate }, { key }, { certificate, key: 'x' }, { certificate: 'x', key }])
    await assert.rejects(attempt('127.0.0.1:1', { tls }), { code: 'config/invalid' });
});

test('prepare and classify work for an identity, with certificate and token at once', async () => {
  const authority = await DevelopmentAuthority.create('authority', 1);
  const alice = newToken('alice');
  const server = await runningServer({
    tls: tlsFiles(await authority.server(['localhost']), { clientCa: fileOf(authority.pair.certificate) }),
    identity: { tokens: fileOf(alice.line) },
  });
  const tls = { ca: authority.pair.certificate, ...(await authority.client('proxy')) };
  const stateFolder = temporaryFolder();
  const client = await connect(`localhost:${server.port}`, { tls, token: alice.token, stateFolder });
  await client.prepare({ count: 1 });
  await client.close();
  const other = await connect(`localhost:${server.port}`, { tls, stateFolder });
  const data = new Uint8Array(8 * 8 * 3);
  const image = { width: 8, height: 8, data };
  // The server knows no such bundle of this identity, and the client has no other.
  await assert.rejects(other.classify(image), { code: 'bundle/none' });
  await other.close();
});

test('the command reads the token from a file before the environment', async () => {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, `${SECRET}\n`);
  const read = async (options: object, environment: NodeJS.ProcessEnv) =>
    (await connectOptions({ server: 'x:1', ...options }, environment)).token;
  assert.equal(await read({ tokenFile: file }, { SPHYNX_TOKEN: 'other' }), SECRET);
  assert.equal(await read({}, { SPHYNX_TOKEN: 'other' }), 'other');
  assert.equal(await read({}, { SPHYNX_TOKEN: '' }), undefined);
  await assert.rejects(read({ tokenFile: `${file}s` }, {}), { code: 'config/invalid', message: /token/ });
});
