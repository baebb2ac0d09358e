import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { credentials } from '@grpc/grpc-js';
import { pino } from 'pino';
import { startServer } from '../../server/index.ts';
import { network, runningServer } from '../support/running-server.ts';
import { selfSigned } from '../support/self-signed.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { TestClient } from '../support/test-client.ts';

const attempt = (options: object) =>
  startServer({
    address: '127.0.0.1:0',
    models: [network],
    stateFolder: temporaryFolder(),
    logger: pino({ level: 'silent' }),
    ...options,
  });

test('plaintext is served on loopback addresses only, unless it is allowed expressly', async () => {
  for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0'])
    await assert.rejects(attempt({ address }), { code: 'config/invalid', message: /no TLS/ });
  const server = await runningServer({ address: '0.0.0.0:0', insecure: true, identity: { anonymous: true } });
  assert.ok(server.port > 0);
});

test('an address without a port, or with an impossible one, is refused', async () => {
  for (const address of ['127.0.0.1', 'localhost:', '127.0.0.1:70000', ':80', ''])
    await assert.rejects(attempt({ address }), { code: 'config/invalid', message: /HOST:PORT/ });
});

test('a port in use is a clear error', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await assert.rejects(attempt({ address: `127.0.0.1:${port}` }), {
    code: 'config/invalid',
    message: /in use/,
  });
  other.close();
});

test('a server without models, or with two of one name, does not start', async () => {
  await assert.rejects(attempt({ models: [] }), { code: 'config/invalid' });
  await assert.rejects(attempt({ models: [network, network] }), { code: 'config/invalid' });
});

test('a limit that is no positive whole number, or none of ours, is refused', async () => {
  for (const limits of [
    { sessions: 0 },
    { idleMs: 0.5 },
    { idleMs: 2 ** 31 },
    { sessionMs: Number.NaN },
    { speed: 9 },
  ])
    await assert.rejects(attempt({ limits }), { code: 'config/invalid', message: /limit/ });
});

test('over TLS a client that trusts the certificate is served, and one that does not is not', async () => {
  const folder = temporaryFolder();
  const { certificate, key } = selfSigned('localhost');
  const tls = { certificate: join(folder, 'certificate.pem'), key: join(folder, 'key.pem') };
  writeFileSync(tls.certificate, certificate);
  writeFileSync(tls.key, key);
  const server = await runningServer({ tls });
  const trusting = new TestClient(server.port, network, {
    credentials: credentials.createSsl(Buffer.from(certificate)),
  });
  const [bundle] = await trusting.prepare();
  assert.ok(await trusting.spend(bundle.id));
  trusting.close();
  const stranger = new TestClient(server.port, network, { credentials: credentials.createSsl() });
  await assert.rejects(stranger.openSession(1), { code: 'server/unreachable' });
  stranger.close();
  await assert.rejects(server.client().openSession(1), { code: 'server/unreachable' });
  writeFileSync(tls.key, 'no key');
  await assert.rejects(attempt({ tls }), { code: 'config/invalid', message: /TLS files/ });
});
