import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { assertRight, image, newClient } from '../../support/connected.ts';
import { tlsFiles } from '../../support/keys.ts';
import { runningServer } from '../../support/running-server.ts';
import { selfSigned } from '../../support/self-signed.ts';

test('connections beyond the limit are closed as they come, and places are given back', async () => {
  const pair = selfSigned('localhost');
  for (const tls of [undefined, tlsFiles(pair)]) {
    const server = await runningServer({ tls, limits: { connections: 2 } });
    const open = async () => {
      const socket = tls
        ? connectTls({ port: server.port, host: 'localhost', ca: pair.certificate, ALPNProtocols: ['h2'] })
        : connect(server.port, '127.0.0.1');
      await once(socket, tls ? 'secureConnect' : 'connect');
      return socket;
    };
    const refusal = async () => {
      const socket = connect(server.port, '127.0.0.1').on('error', () => {});
      await once(socket, 'close');
    };
    const [first, second] = [await open(), await open()];
    await refusal();
    first.destroy();
    second.destroy();
    const client = newClient({ tls: tls && { ca: pair.certificate } }, `localhost:${server.port}`);
    assert.equal((await (await client).models()).length, 1);
  }
});

test('a connection that carries no call is closed, whether it ever spoke or not, and a busy one is not', async () => {
  const server = await runningServer({ limits: { connectionIdleMs: 200 } });
  const silent = connect(server.port, '127.0.0.1').resume();
  const idle = connectHttp2(`http://127.0.0.1:${server.port}`);
  const closed = Promise.all([once(silent, 'close'), once(idle, 'close')]);
  const client = server.client();
  const { stream, session } = await client.openSession(1);
  await closed;
  const bundle = await client.prepareUncommitted(stream, session);
  await stream.send({ commit: { bundleId: bundle.id } });
  await stream.expect('ready');
});

test('a client whose connection was closed while it was idle, or grew old, comes back by itself', async () => {
  const idle = await runningServer({ limits: { connectionIdleMs: 50 } });
  const old = await runningServer({ limits: { connectionMs: 300 } });
  for (const server of [idle, old]) {
    const client = await newClient({}, `127.0.0.1:${server.port}`);
    const end = performance.now() + 700;
    do {
      await assertRight((await client.classify(image, { prepare: true })).logits);
      await new Promise((resolve) => setTimeout(resolve, 100));
    } while (performance.now() < end);
  }
});
