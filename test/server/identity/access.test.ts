import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials, Metadata } from '@grpc/grpc-js';
import { pino } from 'pino';
import { Access } from '../../../server/identity/access.ts';
import { DevelopmentAuthority } from '../../../server/identity/development-certificates.ts';
import { newToken } from '../../../server/identity/token-file.ts';
import { type ServerOptions, startServer } from '../../../server/index.ts';
import { callWith, fileOf, tlsFiles } from '../../support/keys.ts';
import { network, runningServer } from '../../support/running-server.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TestClient } from '../../support/test-client.ts';

const authority = await DevelopmentAuthority.create('authority', 1);
const ca = Buffer.from(authority.pair.certificate);
const pair = await authority.server(['localhost', '127.0.0.1']);
const [alice, bob] = await Promise.all([authority.client('alice'), authority.client('bob')]);
const clientCa = fileOf(authority.pair.certificate, 'ca.pem');
const DEVICE = 'd'.repeat(32);

type Pair = { certificate: string; key: string };
const show = (own?: Pair, trusted: Buffer = ca) =>
  credentials.createSsl(
    trusted,
    own ? Buffer.from(own.key) : null,
    own ? Buffer.from(own.certificate) : null,
  );

function clientOf(
  t: { after(close: () => void): void },
  port: number,
  own?: Pair,
  bearer?: string,
  trusted: Buffer = ca,
) {
  const client = new TestClient(port, network, { credentials: show(own, trusted), bearer, token: DEVICE });
  t.after(() => client.close());
  return client;
}

const list = (client: TestClient) =>
  client.unary((metadata, done) =>
    client.connection.listModels({}, metadata, { deadline: Date.now() + 10_000 }, done),
  );

const attempt = (options: Partial<ServerOptions>) =>
  startServer({
    address: '0.0.0.0:0',
    models: [network],
    stateFolder: temporaryFolder(),
    logger: pino({ level: 'silent' }),
    ...options,
  });

test('with an empty configuration no server starts on a public address', async () => {
  const tls = tlsFiles(pair);
  for (const address of ['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0']) {
    await assert.rejects(attempt({ address }), { code: 'config/invalid', message: /no TLS/ });
    for (const opened of [
      { tls },
      { insecure: true },
      { tls, identity: {} },
      { tls, identity: { anonymous: false } },
    ])
      await assert.rejects(attempt({ address, ...opened }), {
        code: 'config/invalid',
        message: /no authentication is configured/,
      });
    await assert.rejects(attempt({ address, identity: { anonymous: true } }), { message: /no TLS/ });
  }
});

test('strangers are accepted on a public address only explicitly', async (t) => {
  const server = await runningServer({
    address: '0.0.0.0:0',
    tls: tlsFiles(pair),
    identity: { anonymous: true },
  });
  await list(clientOf(t, server.port));
});

test('where client certificates are required, no call comes without one of the authority', async (t) => {
  const server = await runningServer({ tls: tlsFiles(pair, { clientCa }) });
  await list(clientOf(t, server.port, alice));
  const forged = await (await DevelopmentAuthority.create('authority', 1)).client('alice');
  for (const own of [undefined, selfSigned('alice'), forged])
    await assert.rejects(list(clientOf(t, server.port, own)), { code: 'server/unreachable' });
});

test('where client certificates are optional, a call needs one of the authority or a token', async (t) => {
  const token = newToken('carol');
  const server = await runningServer({
    tls: tlsFiles(pair, { clientCa, clientCertificates: 'optional' }),
    identity: { tokens: fileOf(token.line) },
  });
  await list(clientOf(t, server.port, alice));
  await list(clientOf(t, server.port, undefined, token.token));
  for (const own of [undefined, selfSigned('alice')])
    await assert.rejects(list(clientOf(t, server.port, own)), { code: 'identity/missing' });
  await assert.rejects(list(clientOf(t, server.port, alice, newToken('carol').token)), {
    code: 'identity/invalid',
  });
});

test("another identity's bundle is unknown, even to the same device", async (t) => {
  const server = await runningServer({ tls: tlsFiles(pair, { clientCa }) });
  const [own, renewed, other] = [alice, await authority.client('alice'), bob].map((who) =>
    clientOf(t, server.port, who),
  );
  const [bundle] = await own.prepare();
  await assert.rejects(other.spend(bundle.id), { code: 'bundle/unknown' });
  assert.ok(await renewed.spend(bundle.id), 'a renewed certificate is the same client');
});

test('every call is asked who makes it, and the limits count per identity', async (t) => {
  const [first, second] = [newToken('first'), newToken('second')];
  const server = await runningServer({
    identity: { tokens: fileOf(`${first.line}\n${second.line}`) },
    limits: { sessionsPerClient: 1 },
  });
  const plain = (bearer?: string) => {
    const client = new TestClient(server.port, network, { bearer });
    t.after(() => client.close());
    return client;
  };
  const stranger = plain();
  const hello = async (client: TestClient) => {
    const stream = client.preprocess();
    await stream.send({ hello: { ...client.model, count: 1 } });
    await stream.expect('accepted');
  };
  await assert.rejects(list(stranger), { code: 'identity/missing' });
  await assert.rejects(
    stranger.unary((_metadata, done) =>
      stranger.connection.getModelCard(
        { model: network.card.name },
        new Metadata(),
        { deadline: Date.now() + 10_000 },
        done,
      ),
    ),
    { code: 'identity/missing' },
  );
  await assert.rejects(hello(stranger), { code: 'identity/missing' });
  await assert.rejects(stranger.spend('0'.repeat(32)), { code: 'identity/missing' });
  await hello(plain(first.token));
  await assert.rejects(hello(plain(first.token)), { code: 'server/busy' });
  await hello(plain(second.token));
});

test('changed certificates serve new connections, and existing ones continue', async (t) => {
  const tls = tlsFiles(pair, { clientCa: fileOf(authority.pair.certificate) });
  const server = await runningServer({ tls });
  const old = clientOf(t, server.port, alice);
  await list(old);
  const next = await DevelopmentAuthority.create('next authority', 1);
  const nextCa = Buffer.from(next.pair.certificate);
  const [nextPair, carol] = [await next.server(['localhost']), await next.client('carol')];
  writeFileSync(tls.certificate, nextPair.certificate);
  server.reload();
  await list(clientOf(t, server.port, alice)); // half a pair is not put to use
  writeFileSync(tls.key, nextPair.key);
  writeFileSync(tls.clientCa as string, nextCa);
  server.reload();
  await list(clientOf(t, server.port, carol, undefined, nextCa));
  await assert.rejects(list(clientOf(t, server.port, alice)), { code: 'server/unreachable' });
  await assert.rejects(list(clientOf(t, server.port, alice, undefined, nextCa)), {
    code: 'server/unreachable',
  });
  await list(old);
});

test('changed files are found without being told, and a token taken out stops working', async (t) => {
  const token = newToken('carol');
  const tokens = fileOf(token.line);
  const access = new Access({ address: '127.0.0.1:0', identity: { tokens } }, pino({ level: 'silent' }));
  access.watch(10);
  t.after(() => access.close());
  const refused = () =>
    access.identify(callWith(token.token)).then(
      () => false,
      ({ code }) => code === 'identity/invalid',
    );
  assert.equal(await refused(), false);
  writeFileSync(tokens, '');
  while (!(await refused())) await delay(10);
});

test('TLS files that do not fit together, and an authority that is none, are refused at the start', async () => {
  const address = '127.0.0.1:0';
  for (const tls of [
    tlsFiles({ certificate: pair.certificate, key: alice.key }),
    tlsFiles(pair, { clientCa: fileOf('none') }),
    tlsFiles(pair, { clientCa: '/nowhere.pem' }),
  ])
    await assert.rejects(attempt({ address, tls }), { code: 'config/invalid' });
});
