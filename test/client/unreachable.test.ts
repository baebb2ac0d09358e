/** What people are told when a server cannot be reached: why, and what finds out more. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, test } from 'node:test';
import { type Client, connect } from '../../client/index.ts';
import { DevelopmentAuthority } from '../../server/identity/development-certificates.ts';
import { fileOf, tlsFiles } from '../support/keys.ts';
import { runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const stateFolder = temporaryFolder();
const attempt = (address: string, options: object = {}): Promise<Client> =>
  connect(address, { stateFolder, warmUp: false, ...options });

async function refused(address: string, cause: RegExp, options: object = {}): Promise<void> {
  await assert.rejects(attempt(address, options), (error: Error & { code: string }) => {
    assert.equal(error.code, 'server/unreachable');
    assert.match(error.message, cause);
    assert.ok(error.message.endsWith(`; run \`sphynx doctor --server ${address}\``), error.message);
    return true;
  });
}

const authority = await DevelopmentAuthority.create('authority', 1);
const ca = authority.pair.certificate;
const secure = await runningServer({ tls: tlsFiles(await authority.server(['127.0.0.1'])) });
const strict = await runningServer({
  tls: tlsFiles(await authority.server(['localhost']), { clientCa: fileOf(ca) }),
});
const plain = await runningServer();

test('a port where nobody listens, and a name without an address, are told apart', async () => {
  await refused('127.0.0.1:1', /: nothing listens there;/);
  await refused('nowhere.invalid:1', /: its name has no address \(DNS\);/, { tls: {} });
});

test('failures of TLS are explained', async () => {
  await refused(`127.0.0.1:${secure.port}`, /: TLS: no authority that is trusted here/, { tls: {} });
  await refused(`localhost:${secure.port}`, /: TLS: its certificate is for another name/, { tls: { ca } });
  await refused(`127.0.0.1:${plain.port}`, /: TLS: it does not use TLS on that port/, { tls: { ca } });
  await refused(`localhost:${strict.port}`, /client certificate/, { tls: { ca } });
  await refused(`127.0.0.1:${secure.port}`, /it closes the connection: perhaps it expects TLS/);
});

test('a program that is not a server is recognised by how it ends the connection', async () => {
  const rude = createServer((socket) => socket.destroy());
  after(() => rude.close());
  rude.listen(0, '127.0.0.1');
  await once(rude, 'listening');
  await refused(`127.0.0.1:${(rude.address() as AddressInfo).port}`, /it closes the connection/);
});

test('TLS by address is verified, and nothing deprecated is done for it', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const client = await attempt(`127.0.0.1:${secure.port}`, { tls: { ca } });
  await client.close();
  await refused(`127.0.0.1:${strict.port}`, /TLS: its certificate is for another name/, {
    tls: { ca, ...(await authority.client('alice')) },
  });
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', listen);
  assert.deepEqual(warnings, []);
});
