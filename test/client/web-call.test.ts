import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebCall } from '../../client/browser/web-call.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { CallStream } from '../../transport/call-stream.ts';
import type { InferRequests, InferResponses } from '../../transport/messages.ts';
import { FRAME, frame } from '../../transport/web/frames.ts';
import { decode } from '../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS, CALLS } from '../../transport/web/schema.ts';
import { FakeSocket } from './fake-socket.ts';

function infer(): { socket: FakeSocket; stream: CallStream<InferResponses, InferRequests>; url: string } {
  const socket = new FakeSocket();
  let asked = '';
  const call = new WebCall<InferResponses, InferRequests>('Infer', {
    url: 'wss://models.example.org',
    client: 'c',
    bearer: 'b',
    open: (url) => {
      asked = url;
      return socket;
    },
  });
  return { socket, stream: CallStream.ofClient(call), url: asked };
}

const spending = frame(FRAME.message, CALLS.Infer.response, { spending: {} });
const status = (fields: object) => frame(FRAME.status, CALL_STATUS, fields);
const spend = { bundleId: 'i', model: 'm', modelHash: 'h', planHash: 'p' };

test('the header leaves first, then messages in their order, and the end', async () => {
  const { socket, stream, url } = infer();
  assert.equal(url, 'wss://models.example.org/sphynx.v1.PrivateInference/Infer');
  const sent = stream.send({ spend });
  stream.end();
  assert.equal(socket.sent.length, 0);
  socket.happen('open');
  await sent;
  assert.deepEqual(
    socket.sent.map(([kind]) => kind),
    [FRAME.header, FRAME.message, FRAME.end],
  );
  const [header, message] = socket.sent.map((bytes) => bytes.subarray(1));
  assert.deepEqual(decode(CALL_HEADER, header), { client: 'c', authorization: 'Bearer b' });
  assert.deepEqual(decode(CALLS.Infer.request, message), { spend, message: 'spend' });
});

test('messages that came before the status are read before the end', async () => {
  const { socket, stream } = infer();
  socket.happen('open');
  socket.say(spending);
  socket.say(status({}));
  socket.happen('close');
  assert.deepEqual(await stream.expect('spending'), {});
  assert.equal(await stream.receive(), undefined);
});

test("the server's refusal is thrown with its code and its hint", async () => {
  const { socket, stream } = infer();
  socket.happen('open');
  socket.say(status({ code: 'server/busy', message: 'later', retryAfterMs: 70 }));
  await assert.rejects(stream.receive(), { code: 'server/busy', message: 'later', retryAfterMs: 70 });
});

test('a connection that never opened, and one that breaks, are distinguished', async () => {
  const never = infer();
  never.socket.happen('error');
  never.socket.happen('close');
  await assert.rejects(never.stream.receive(), { code: 'server/unreachable' });
  const broken = infer();
  broken.socket.happen('open');
  broken.socket.happen('close');
  await assert.rejects(broken.stream.receive(), { code: 'protocol/closed' });
});

test('a message that the server may not send ends the call', async () => {
  for (const bad of [
    new Uint8Array(0),
    Uint8Array.of(FRAME.header),
    Uint8Array.of(FRAME.end),
    Uint8Array.of(9),
  ]) {
    const { socket, stream } = infer();
    socket.happen('open');
    socket.say(bad);
    await assert.rejects(stream.receive());
    assert.ok(socket.closed);
  }
  const text = infer();
  text.socket.happen('open');
  text.socket.happen('message', 'text');
  await assert.rejects(text.stream.receive());
  const unreadable = infer();
  unreadable.socket.happen('open');
  unreadable.socket.say(Uint8Array.of(FRAME.message, 0xff));
  await assert.rejects(unreadable.stream.receive(), { code: 'protocol/format' });
  const noStatus = infer();
  noStatus.socket.happen('open');
  noStatus.socket.say(Uint8Array.of(FRAME.status, 0xff));
  await assert.rejects(noStatus.stream.receive());
});

test('a server that sends more than any bundle is cut off', async () => {
  const { socket, stream } = infer();
  socket.happen('open');
  const large = new Uint8Array(2 ** 20);
  large[0] = FRAME.message;
  const { buffer } = large;
  for (let i = 0; i < 300 && !socket.closed; i++) socket.happen('message', buffer);
  assert.ok(socket.closed);
  await assert.rejects(stream.receive());
});

test('a full socket holds the sender back until it has room', async () => {
  const { socket, stream } = infer();
  socket.happen('open');
  socket.bufferedAmount = 2 ** 30;
  let left = false;
  const sent = stream.send({ spend }).then(() => {
    left = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.ok(!left);
  socket.bufferedAmount = 0;
  await sent;
});

test('giving a call up closes its connection', async () => {
  const { socket, stream } = infer();
  socket.happen('open');

  stream.abort(new SphynxError('aborted', 'enough'));
  assert.ok(socket.closed);
  await assert.rejects(stream.receive(), { code: 'aborted' });
});

test('a connection can be opened ahead: the server hears of the call with its first message', async () => {
  const socket = new FakeSocket();
  const call = new WebCall<InferResponses, InferRequests>('Infer', {
    url: 'ws://localhost:1',
    open: () => socket,
  });
  assert.ok(!call.usable);
  socket.happen('open');
  await call.opened;
  assert.ok(call.usable);
  assert.equal(socket.sent.length, 0);
  await CallStream.ofClient<InferResponses, InferRequests>(call).send({ spend });
  assert.equal(socket.sent[0][0], FRAME.header);
  const refused = new FakeSocket();
  const never = new WebCall<InferResponses, InferRequests>('Infer', {
    url: 'ws://localhost:1',
    open: () => refused,
  });
  refused.happen('close');
  await assert.rejects(never.opened, { code: 'server/unreachable' });
  assert.ok(!never.usable);
});
