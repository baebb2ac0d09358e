import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { runInteger } from '../../../model/executor.ts';
import { newToken } from '../../../server/identity/token-file.ts';
import { MESSAGE_BYTES } from '../../../transport/limits.ts';
import { FRAME, frame, SUBPROTOCOL } from '../../../transport/web/frames.ts';
import { decode } from '../../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS, CALLS } from '../../../transport/web/schema.ts';
import { randomImage } from '../../support/card-image.ts';
import { fileOf } from '../../support/keys.ts';
import { network, runningServer } from '../../support/running-server.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { WebClient, type WebClientOptions, webStream } from './web-client.ts';

const PAGE = 'https://app.example.org';
const tls = selfSigned('localhost');
const alice = newToken('alice');
const open = await runningServer({ web: { address: '127.0.0.1:0', origins: [PAGE] } });
const closed = await runningServer({
  web: { address: '127.0.0.1:0' },
  tls: { certificate: fileOf(tls.certificate), key: fileOf(tls.key) },
  identity: { tokens: fileOf(alice.line) },
});
const openPort = open.webPort as number;
const closedPort = closed.webPort as number;

async function classifiesRight(port: number, options: WebClientOptions): Promise<void> {
  const client = new WebClient(port, network, options);
  after(() => client.close());
  for (const bundle of await client.prepare(2)) {
    const image = randomImage(network.card);
    const { logits } = runInteger(network, image, () => 0);
    const spread = Math.max(...logits) - Math.min(...logits);
    const private_ = await client.classify(bundle, image);
    assert.ok(
      private_.every((value, i) => Math.abs(value - logits[i]) <= 0.05 * spread + 64),
      `${private_} for ${logits}`,
    );
  }
}

test('a connection that is reset while its upgrade is refused does not end the server', async () => {
  const upgrade = 'GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  for (let i = 0; i < 20; i++) {
    const socket = connect(openPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(upgrade);
    await nextTurn();
    socket.resetAndDestroy();
    await once(socket, 'close');
  }
  await classifiesRight(openPort, {});
});

const stream = (port: number, options: WebClientOptions) =>
  webStream<Record<string, never>, Record<string, never>>('ListModels', port, options);

test('bundles are prepared and spent over WebSocket, to the logits of the plain network', async () => {
  await classifiesRight(openPort, {});
});

test('with TLS and a bearer token too', async () => {
  await classifiesRight(closedPort, { ca: tls.certificate, bearer: alice.token });
});

test('models are listed and cards shown as over gRPC', async () => {
  const list = webStream<{ models: unknown }, Record<string, never>>('ListModels', openPort);
  await list.send({} as never);
  const answer = (await list.receive()) as unknown as { models: { name: string; hash: string }[] };
  assert.deepEqual(
    answer.models.map(({ name, hash }) => [name, hash]),
    [[network.card.name, network.card.hash]],
  );
  assert.equal(await list.receive(), undefined);
  const show = webStream<unknown, { model: string }>('GetModelCard', openPort);
  await show.send({ model: network.card.name } as never);
  const { cardJson } = (await show.receive()) as unknown as { cardJson: string };
  assert.deepEqual(JSON.parse(cardJson), JSON.parse(JSON.stringify(network.card)));
  const unknown = webStream<unknown, { model: string }>('GetModelCard', openPort);
  await unknown.send({ model: 'nothing' } as never);
  await assert.rejects(unknown.receive(), { code: 'model/unknown' });
});

test('pages call from the origin of the server itself and from those listed, and from no other', async () => {
  for (const origin of [`http://localhost:${openPort}`, PAGE]) {
    const call = stream(openPort, { origin });
    await call.send({} as never);
    assert.ok(await call.receive(), origin);
  }
  for (const origin of ['https://evil.example.org', `https://localhost:${openPort}`, 'null', `${PAGE}.evil`])
    await assert.rejects(stream(openPort, { origin }).receive(), { code: 'server/unreachable' }, origin);
});

test('without a token, with a wrong one and with a token that cannot be one, nobody is served', async () => {
  const ca = tls.certificate;
  for (const [options, code] of [
    [{ ca }, 'identity/missing'],
    [{ ca, bearer: newToken('alice').token }, 'identity/invalid'],
    [{ ca, bearer: 'two words' }, 'identity/invalid'],
    [{ ca, bearer: 'line\r\nbreak' }, 'protocol/format'],
  ] as const) {
    const call = stream(closedPort, options);
    await call.send({} as never).catch(() => {});
    await assert.rejects(call.receive(), { code });
    await assert.rejects(new WebClient(closedPort, network, options).prepare(), { code });
  }
});

test('a stream without a client token is refused', async () => {
  await assert.rejects(new WebClient(openPort, network, { client: '' }).prepare(), {
    code: 'config/invalid',
  });
});

test('a page whose own name was given the address of this machine is no page of the server', async () => {
  const host = `evil.example.org:${openPort}`;
  for (const headers of [{ host }, { host: 'evil.example.org' }, { host: 'a b' }, { host: '' }]) {
    const socket = new WebSocket(
      `ws://localhost:${openPort}/sphynx.v1.PrivateInference/ListModels`,
      SUBPROTOCOL,
      { headers, origin: `http://${headers.host}` },
    );
    const [error] = await once(socket, 'error');
    assert.match(error.message, /40[03]/, headers.host);
  }
});

/** The status that ends a connection on which these frames are sent, or its close code if there is none. */
async function ending(path: string, frames: (Uint8Array | string)[]): Promise<unknown> {
  const socket = new WebSocket(`ws://localhost:${openPort}${path}`, SUBPROTOCOL);
  let code: unknown;
  socket.on('message', (data: Buffer) => {
    if (data[0] === FRAME.status) code = decode(CALL_STATUS, data.subarray(1)).code;
  });
  await once(socket, 'open');
  for (const bytes of frames) socket.send(bytes);
  const [close] = await once(socket, 'close');
  return code ?? close;
}

test('frames that do not belong to a call end it, and the server goes on', async () => {
  const infer = '/sphynx.v1.PrivateInference/Infer';
  const header = frame(FRAME.header, CALL_HEADER, { client: '0'.repeat(32) });
  const end = Uint8Array.of(FRAME.end);
  const message = (...content: number[]) => Uint8Array.of(FRAME.message, ...content);
  for (const [frames, code] of [
    [['text'], 'protocol/order'],
    [[''], 'protocol/order'],
    [[new Uint8Array(0)], 'protocol/order'],
    [[message()], 'protocol/order'],
    [[Uint8Array.of(FRAME.header, 0xff)], 'protocol/format'],
    [[header, header], 'protocol/order'],
    [[header, Uint8Array.of(FRAME.status)], 'protocol/order'],
    [[header, Uint8Array.of(200)], 'protocol/order'],
    [[header, 'text'], 'protocol/order'],
    [[header, Uint8Array.of(FRAME.end, 0)], 'protocol/order'],
    [[header, end], 'protocol/closed'],
    [[header, message(0xff, 0xff)], 'protocol/format'],
    [[header, message()], 'protocol/order'],
    [[header, new Uint8Array(MESSAGE_BYTES + 2)], 1009],
  ] as const)
    assert.equal(await ending(infer, [...frames]), code, String(frames));
  const segment = frame(FRAME.message, CALLS.Infer.request, {
    segment: { kind: 1, data: new Uint8Array(9) },
  });
  assert.equal(await ending(infer, [header, segment]), 'protocol/order');
  assert.equal(await ending('/sphynx.v1.PrivateInference/ListModels', [header, end]), 'protocol/closed');
  await classifiesRight(openPort, {});
});

test('paths that name no call, and requests that are none, get nothing', async () => {
  for (const path of ['/', '/sphynx.v1.PrivateInference/Other', '/sphynx.v1.PrivateInference/constructor']) {
    const socket = new WebSocket(`ws://localhost:${openPort}${path}`, SUBPROTOCOL);
    const [error] = await once(socket, 'error');
    assert.match(error.message, /404/);
  }
  assert.equal((await fetch(`http://localhost:${openPort}/`)).status, 404);
});

test('origins that no browser writes are refused at the start, and addresses open to strangers', async () => {
  for (const origins of [['app.example.org'], ['https://app.example.org/'], ['*']])
    await assert.rejects(runningServer({ web: { address: '127.0.0.1:0', origins } }), {
      code: 'config/invalid',
    });
  await assert.rejects(runningServer({ web: { address: '0.0.0.0:0' } }), { code: 'config/invalid' });
});
