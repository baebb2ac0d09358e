import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { connect } from '../../client/index.ts';
import { DEFAULT_DEADLINES } from '../../client/limits.ts';
import { clientToken } from '../../client/node/client-token.ts';
import { openConnection } from '../../client/node/connection.ts';
import { CLIENT_KEY, CLIENT_TOKEN } from '../../transport/client-token.ts';
import { hostileServer } from '../support/hostile-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('plaintext on this machine never uses a proxy', async () => {
  let asked = 0;
  const proxy = createServer().on('connect', (_request, socket) => {
    asked++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = await hostileServer({});
  const { grpc_proxy: before } = process.env;
  process.env.grpc_proxy = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  try {
    const client = await connect(address, { stateFolder: temporaryFolder() });
    await client.close();
  } finally {
    if (before === undefined) delete process.env.grpc_proxy;
    else process.env.grpc_proxy = before;
    proxy.close();
  }
  assert.equal(asked, 0);
});

test('each server gets a token of its own, so that none can act as the client towards another', async () => {
  const stateFolder = temporaryFolder();
  const seen = new Set<unknown>();
  const preprocess = (call: ServerDuplexStream<unknown, unknown>) => {
    seen.add(call.metadata.get(CLIENT_KEY)[0]);
    call.emit('error', { code: 5, details: 'seen enough' });
  };
  for (const reached of [await hostileServer({ preprocess }), await hostileServer({ preprocess })]) {
    const connection = openConnection(reached, {
      token: await clientToken(stateFolder, reached),
      security: {},
      deadlines: DEFAULT_DEADLINES,
    });
    for (let call = 0; call < 2; call++)
      await assert.rejects(connection.preprocess().receive(), { message: /seen enough/ });
    connection.close();
  }
  assert.equal(seen.size, 2);
  for (const token of seen) assert.match(String(token), CLIENT_TOKEN);
});

test('short calls, which need no token, carry none', async () => {
  const seen: unknown[] = [];
  const address = await hostileServer({ onCall: (metadata) => seen.push(metadata.get(CLIENT_KEY)) });
  const client = await connect(address, { stateFolder: temporaryFolder() });
  await client.close();
  assert.deepEqual(seen, [[]]);
});

test('an authority that is no certificate, and a deadline that is no time, are refused', async () => {
  const attempt = (options: object) => connect('localhost:1', { stateFolder: temporaryFolder(), ...options });
  const broken = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
  for (const ca of ['', 'x', broken])
    await assert.rejects(attempt({ tls: { ca } }), { code: 'config/invalid', message: /PEM/ });
  for (const deadlines of [{ idleMs: 0 }, { idleMs: 2 ** 31 }, { connectMs: Number.NaN }, { lunchMs: 1 }])
    await assert.rejects(attempt({ deadlines }), { code: 'config/invalid', message: /deadline/ });
});
