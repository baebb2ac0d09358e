import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from '../../client/index.ts';
import { temporaryFolder } from '../server/bundles.ts';
import { hostileServer } from './hostile-server.ts';

test('plaintext on this machine takes no way over a proxy', async () => {
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
