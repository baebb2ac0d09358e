import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { LOG_FORMAT } from '../../server/call-log.ts';
import { newToken } from '../../server/identity/token-file.ts';
import { SUBPROTOCOL } from '../../transport/web/frames.ts';
import { fileOf } from '../support/keys.ts';
import { network, runningServer } from '../support/running-server.ts';
import { TestClient } from '../support/test-client.ts';

/** A server of one token and its log lines. */
async function logged() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(LOG_FORMAT, { write: (line: string) => lines.push(JSON.parse(line)) });
  const alice = newToken('alice');
  const server = await runningServer({
    logger,
    metrics: '0',
    identity: { tokens: fileOf(alice.line) },
    web: { address: '127.0.0.1:0' },
  });
  const metrics = async () => (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
  return { server, lines, alice, metrics };
}

const list = (client: TestClient) =>
  client.unary((metadata, done) =>
    client.connection.listModels({}, metadata, { deadline: Date.now() + 5000 }, done as never),
  );

test('every call has its line, with ISO times and levels by name, and refusals count by their method', async () => {
  const { server, lines, alice, metrics } = await logged();
  const client = new TestClient(server.port, network, { bearer: alice.token });
  await list(client);
  const unknown = client.unary((metadata, done) =>
    client.connection.getModelCard({ model: 'x' }, metadata, { deadline: Date.now() + 5000 }, done as never),
  );
  await assert.rejects(unknown, { code: 'model/unknown' });
  client.close();
  for (const { time, level } of lines) {
    assert.equal(new Date(time as string).toISOString(), time);
    assert.equal(level, 'info');
  }
  const calls = lines.filter(({ method }) => method).map(({ method, msg, code }) => [method, msg, code]);
  assert.deepEqual(calls, [
    ['ListModels', 'call finished', undefined],
    ['GetModelCard', 'call refused or aborted', 'model/unknown'],
  ]);
  assert.match(await metrics(), /sphynx_refusals_total\{method="GetModelCard",code="model\/unknown"\} 1/);
});

test('callers who are not identified are logged with method, address and reason, and without their token', async () => {
  const { server, lines } = await logged();
  const wrong = newToken('mallory').token;
  const client = new TestClient(server.port, network, { bearer: wrong });
  await assert.rejects(list(client), { code: 'identity/invalid' });
  await assert.rejects(client.preprocess().expect('accepted'), { code: 'identity/invalid' });
  client.close();
  const refused = lines.filter(({ level }) => level === 'warn');
  assert.deepEqual(
    refused.map(({ method, msg, code }) => [method, msg, code]),
    ['ListModels', 'Preprocess'].map((method) => [method, 'caller not identified', 'identity/invalid']),
  );
  for (const { peer, reason } of refused) {
    assert.match(String(peer), /^(127\.0\.0\.1|\[::1\]|\[::ffff:127\.0\.0\.1\]):\d+$/);
    assert.match(String(reason), /does not know this token/);
  }
  assert.ok(!JSON.stringify(lines).includes(wrong));
});

test('pages of other origins are logged and counted', async () => {
  const { server, lines, metrics } = await logged();
  const url = `ws://127.0.0.1:${server.webPort}/sphynx.v1.PrivateInference/ListModels`;
  const socket = new WebSocket(url, SUBPROTOCOL, { origin: 'https://evil.example' });
  await new Promise((resolve) => socket.once('error', resolve));
  const [line] = lines.filter(({ level }) => level === 'warn');
  assert.equal(line.origin, 'https://evil.example');
  assert.match(String(line.peer), /^127\.0\.0\.1:\d+$/);
  assert.match(await metrics(), /sphynx_refusals_total\{method="WebSocket",code="origin"\} 1/);
});
