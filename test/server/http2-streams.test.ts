import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { test } from 'node:test';
import { privateInferenceService } from '../../transport/grpc/proto.ts';
import { runningServer } from '../support/running-server.ts';

const server = await runningServer({ limits: { idleMs: 200 } });

/** A Preprocess call by hand: greets the server and then does as the test says. */
function greet(session: ClientHttp2Session) {
  const { model, modelHash, planHash } = server.client().model;
  const call = session.request({
    ':method': 'POST',
    ':path': '/sphynx.v1.PrivateInference/Preprocess',
    'content-type': 'application/grpc',
    te: 'trailers',
    'sphynx-client': 'd'.repeat(32),
  });
  const hello = privateInferenceService.Preprocess.requestSerialize({
    hello: { model, modelHash, planHash, count: 1 },
  });
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(hello.length, 1);
  call.write(Buffer.concat([frame, hello]));
  return call;
}

test('a stream whose peer reads nothing is reset once its call has ended', async () => {
  const session = connect(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
  const call = greet(session);
  call.on('error', () => {});
  await once(call, 'close');
  assert.equal(call.rstCode, constants.NGHTTP2_CANCEL);
  session.destroy();
});

test('uploads get a window that is wide enough for long links', async () => {
  const session = connect(`http://127.0.0.1:${server.port}`);
  await once(session, 'connect');
  const wide = () => (session.remoteSettings.initialWindowSize ?? 0) > 1 << 20;
  const call = greet(session);
  call.resume();
  while (!wide()) await once(session, 'remoteSettings');
  await once(call, 'data').catch(() => {});
  assert.ok(Number(session.state.remoteWindowSize) > 1 << 20, 'and so does the connection');
  call.close();
  await once(call, 'close');
  session.destroy();
});

test('the service goes on', async () => {
  await server.reload();
  const client = server.client();
  const stream = client.preprocess();
  await stream.send({ hello: { ...client.model, count: 1 } });
  assert.ok(await stream.expect('accepted'));
});
