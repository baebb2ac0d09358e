/** Every fault on the way to a server, made for real. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { type CheckOptions, checkServer } from '../../cli/doctor/check-server.ts';
import type { Finding } from '../../cli/doctor/finding.ts';
import { connect } from '../../client/index.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { DevelopmentAuthority } from '../../server/identity/development-certificates.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { firstMessage } from '../support/first-message.ts';
import { fileOf, tlsFiles } from '../support/keys.ts';
import { network, runningServer } from '../support/running-server.ts';
import { selfSigned } from '../support/self-signed.ts';
import { ROOT, sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const STEPS = ['dns', 'port', 'tls', 'protocol', 'authentication', 'clock', 'model'];
const authority = await DevelopmentAuthority.create('authority', 30);
const ca = authority.pair.certificate;
const [pair, alice] = await Promise.all([authority.server(['localhost']), authority.client('alice')]);
const clientCa = fileOf(ca, 'ca.pem');

const check = (address: string, options: Partial<CheckOptions> = {}) =>
  checkServer(address, {
    stateFolder: temporaryFolder(),
    signal: new AbortController().signal,
    ...options,
  });

/** The finding that failed: the steps before it must be well, and those behind it skipped. */
function failure(findings: readonly Finding[], name: string): Finding {
  const at = STEPS.indexOf(name);
  assert.deepEqual(
    findings.map((finding) => [finding.name, finding.state]),
    STEPS.map((step, i) => [step, i < at ? 'ok' : i === at ? 'failed' : 'skipped']),
    JSON.stringify(findings),
  );
  assert.ok(findings[at].remedy, 'there is something to do');
  return findings[at];
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Speaks HTTP/2 over TLS and knows no service. */
function stranger(own: { certificate: string; key: string }): Promise<number> {
  const server = createSecureServer({ cert: own.certificate, key: own.key });
  server.on('stream', (stream) => stream.respond({ ':status': 404 }, { endStream: true }));
  return portOf(server);
}

const plain = await runningServer();
const token = newToken('alice');
const guarded = await runningServer({
  address: 'localhost:0',
  tls: tlsFiles(pair, { clientCa, clientCertificates: 'optional' }),
  identity: { tokens: fileOf(token.line) },
});

test('a working server passes all checks, with TLS and a token or without', async () => {
  const tls = { ca };
  for (const findings of [
    await check(`127.0.0.1:${plain.port}`),
    await check(`localhost:${guarded.port}`, { tls, token: token.token }),
    await check(`localhost:${guarded.port}`, { tls: { ca, ...alice } }),
  ])
    assert.deepEqual(
      findings.map(({ name, state, remedy }) => [name, state, remedy]),
      STEPS.map((name) => [name, 'ok', undefined]),
    );
});

test('a host without an address, and a port on which nothing listens, are reported', async () => {
  assert.match(failure(await check('no-such-host.invalid:50051'), 'dns').detail, /no-such-host\.invalid/);
  const { detail, remedy } = failure(await check('127.0.0.1:1'), 'port');
  assert.match(detail, /nothing listens/);
  assert.match(remedy as string, /sphynx serve/);
});

test('TLS on only one side is reported', async () => {
  const deaf = failure(await check(`127.0.0.1:${plain.port}`, { tls: { ca } }), 'tls');
  assert.match(deaf.detail, /no TLS on this port/);
  const dumb = failure(await check(`localhost:${guarded.port}`), 'tls');
  assert.match(dumb.remedy as string, /--ca/);
});

test('a wrong authority, name or date of the server certificate is reported', async () => {
  const address = `localhost:${guarded.port}`;
  const unknown = failure(await check(address, { tls: { ca: selfSigned('other').certificate } }), 'tls');
  assert.match(unknown.detail, /no authority that is trusted/);
  assert.match(unknown.remedy as string, /--ca/);
  const misnamed = failure(await check(`127.0.0.1:${guarded.port}`, { tls: { ca } }), 'tls');
  assert.match(misnamed.detail, /for DNS:localhost, and not for 127\.0\.0\.1/);
  for (const [begins, ends, words] of [
    [-3, -1, /expired on/],
    [1, 3, /is not valid before/],
  ] as const) {
    const own = selfSigned('localhost', begins, ends);
    const { detail, remedy } = failure(
      await check(`localhost:${await stranger(own)}`, { tls: { ca: own.certificate } }),
      'tls',
    );
    assert.match(detail, words);
    assert.match(remedy as string, /clock/);
  }
});

test('a certificate that expires soon passes with a remark', async () => {
  const own = selfSigned('localhost');
  const server = await runningServer({ tls: tlsFiles(own) });
  const findings = await check(`localhost:${server.port}`, { tls: { ca: own.certificate } });
  assert.ok(findings.every(({ state }) => state === 'ok'));
  assert.match(findings[STEPS.indexOf('tls')].remedy as string, /expires soon/);
});

test('a missing and a refused client certificate are reported', async () => {
  const strict = await runningServer({ tls: tlsFiles(pair, { clientCa }) });
  const attempt = async (own?: { certificate: string; key: string }) =>
    failure(await check(`localhost:${strict.port}`, { tls: { ca, ...own } }), 'tls');
  const without = await attempt();
  assert.match(without.detail, /demands a client certificate/);
  assert.match(without.remedy as string, /--cert/);
  assert.match((await attempt(selfSigned('mallory'))).detail, /does not accept .*CN=mallory$/);
  const expired = await attempt(selfSigned('alice', -3, -1));
  assert.match(expired.detail, /which ended on/);
  assert.match(expired.remedy as string, /renewed/);
});

test('a server of another protocol is reported', async () => {
  const web = createTlsServer({ cert: pair.certificate, key: pair.key });
  const noHttp2 = failure(await check(`localhost:${await portOf(web)}`, { tls: { ca } }), 'tls');
  assert.match(noHttp2.detail, /not HTTP\/2/);
  failure(await check(`localhost:${await stranger(pair)}`, { tls: { ca } }), 'protocol');
  const grpc = new GrpcServer();
  after(() => grpc.forceShutdown());
  const port = await new Promise<number>((resolve) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_, bound) => resolve(bound)),
  );
  const other = failure(await check(`127.0.0.1:${port}`), 'protocol');
  assert.match(other.detail, /does not offer this service/);
});

test('missing and wrong credentials are reported', async () => {
  const address = `localhost:${guarded.port}`;
  const missing = failure(await check(address, { tls: { ca } }), 'authentication');
  assert.match(missing.remedy as string, /--token-file/);
  const wrong = { tls: { ca }, token: newToken('alice').token };
  assert.match(failure(await check(address, wrong), 'authentication').remedy as string, /new token/);
});

test('differing clocks are reported', async () => {
  for (const [shift, words] of [
    [3_600_000, /(1 h 0 min|59 min \d+ s) ahead of/],
    [-3_600_000, /(1 h 0 min|59 min \d+ s) behind/],
  ] as const) {
    const server = fork(join(ROOT, 'test', 'support', 'server-process.ts'), [temporaryFolder()], {
      execArgv: ['--import', join(ROOT, 'test', 'server', 'shifted-clock.ts')],
      env: { ...process.env, CLOCK_SHIFT_MS: String(shift) },
    });
    after(() => server.kill('SIGKILL'));
    const port = await firstMessage<number>(server);
    const findings = await check(`127.0.0.1:${port}`);
    const wrong = findings.filter(({ state }) => state !== 'ok');
    assert.deepEqual(
      wrong.map(({ name, state }) => [name, state]),
      [['clock', 'failed']],
    );
    assert.match(wrong[0].detail, words);
    assert.match(wrong[0].remedy as string, /NTP/);
  }
});

test('an unexpected model hash, and bundles whose model is gone, are reported', async () => {
  const server = await runningServer();
  const address = `127.0.0.1:${server.port}`;
  const stateFolder = temporaryFolder();
  const { hash } = network.card;
  const failed = async (modelHash: string) =>
    (await check(address, { stateFolder, modelHash })).filter(({ state }) => state === 'failed');
  assert.deepEqual(await failed(hash), []);
  assert.deepEqual(await failed(hash.slice(0, 12)), []);
  const [other] = await failed('0'.repeat(64));
  assert.match(other.detail, new RegExp(`none has the hash 0{64}.*${hash.slice(0, 12)}`));
  const client = await connect(address, { stateFolder });
  await client.prepare();
  await client.close();
  const successor = randomModel({ C: 2, D: 2, reduceAt: [0], size: 8, classes: 10, seed: 7 });
  await server.reload({ models: [successor] });
  const [lost] = await failed(successor.card.hash);
  assert.match(lost.detail, /1 prepared bundles .* cannot be used/);
  assert.match(lost.remedy as string, /--drop/);
});

test('a failure of the direct connection does not count against a connection over a proxy', async () => {
  const { https_proxy: before } = process.env;
  process.env.https_proxy = 'http://127.0.0.1:1';
  try {
    const findings = await check('no-such-host.invalid:50051', { tls: { ca } });
    assert.deepEqual(
      findings.slice(0, 2).map(({ name, state }) => [name, state]),
      [
        ['dns', 'skipped'],
        ['protocol', 'failed'],
      ],
    );
  } finally {
    if (before === undefined) delete process.env.https_proxy;
    else process.env.https_proxy = before;
  }
});

test('the command prints every step with its remedy and fails; an impossible address is wrong usage', async () => {
  const env = { SPHYNX_STATE: temporaryFolder() };
  const { code, stdout } = await sphynx(['doctor', '--server', '127.0.0.1:1'], env);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^ok {4}dns .*\nFAIL {2}port .*\n {6}-> start a server .*\n- {5}tls .* resolve port first$/m,
  );
  assert.equal((await sphynx(['doctor', '--server', 'nowhere'], env)).code, 2);
  assert.equal((await sphynx(['doctor', '--model-hash', 'short'], env)).code, 2);
});
