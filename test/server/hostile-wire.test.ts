/** Bytes that no client of ours would send, on HTTP/2 streams by hand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runningServer } from '../support/running-server.ts';

const token = 'd'.repeat(32);
const server = await runningServer({ limits: { sessionsPerClient: 1 } });
const session = connect(`http://127.0.0.1:${server.port}`);
after(() => session.destroy());

/** The gRPC status with which the server ends a call that sends one message: flag, declared length, body. */
async function statusOf(method: string, flag: number, length: number, body: Uint8Array, encoding = 'gzip') {
  const call = session.request({
    ':method': 'POST',
    ':path': `/sphynx.v1.PrivateInference/${method}`,
    'content-type': 'application/grpc',
    'grpc-encoding': encoding,
    te: 'trailers',
    'sphynx-client': token,
  });
  const ended = new Promise((resolve) => {
    for (const event of ['response', 'trailers'])
      call.on(event, (headers) => headers['grpc-status'] && resolve(Number(headers['grpc-status'])));
  });
  const head = Buffer.alloc(5, flag);
  head.writeUInt32BE(length, 1);
  call.resume().end(Buffer.concat([head, body]));
  const status = await ended;
  call.close();
  await once(call, 'close');
  return status;
}

const MIB = 2 ** 20;
const [INVALID, EXHAUSTED, UNIMPLEMENTED, INTERNAL] = [3, 8, 12, 13];

test('bytes that are not messages end their call and nothing else', async () => {
  const bomb = gzipSync(new Uint8Array(300 * MIB));
  const nested = new Uint8Array(MIB).fill(0x7b); // a group within a group within a group ...
  for (const method of ['Preprocess', 'Infer', 'GetModelCard']) {
    assert.equal(await statusOf(method, 0, 11, new Uint8Array(11).fill(255)), INVALID, 'endless number');
    assert.equal(await statusOf(method, 0, nested.length, nested), INVALID, 'a million groups');
    assert.equal(
      await statusOf(method, 1, bomb.length, bomb),
      EXHAUSTED,
      'a small message that unpacks to a huge one',
    );
    assert.equal(await statusOf(method, 1, 8, new Uint8Array(8)), INTERNAL, 'no gzip');
    assert.equal(
      await statusOf(method, 1, 8, new Uint8Array(8), 'zstd'),
      UNIMPLEMENTED,
      'unknown compression',
    );
    assert.equal(await statusOf(method, 0, 2 ** 32 - 1, new Uint8Array(8)), EXHAUSTED, 'announced as 4 GiB');
  }
  assert.equal(await statusOf('Preprocess', 0, 0, new Uint8Array(0)), INVALID, 'empty');
});

test('the places of such calls are given back', async () => {
  const client = server.client(token);
  const [bundle] = await client.prepare();
  assert.ok(await client.spend(bundle.id));
});
