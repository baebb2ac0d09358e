import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openConnection } from '../../client/browser/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { DEFAULT_DEADLINES } from '../../client/limits.ts';
import { FRAME, frame } from '../../transport/web/frames.ts';
import { CALLS } from '../../transport/web/schema.ts';
import { FakeSocket } from './fake-socket.ts';

/** Sockets in the order in which the connection opened them, each with the name of its call. */
const opened: { readonly name: string; readonly socket: FakeSocket }[] = [];
let connection: Connection;

beforeEach(() => {
  opened.length = 0;
  globalThis.WebSocket = class {
    constructor(url: string) {
      const socket = new FakeSocket();
      opened.push({ name: url.slice(url.lastIndexOf('/') + 1), socket });
      // biome-ignore lint/correctness/noConstructorReturn: the test holds the socket
      return socket;
    }
  } as unknown as typeof WebSocket;
  connection = openConnection('wss://models.example.org', {
    token: 'a'.repeat(32),
    security: {},
    deadlines: { ...DEFAULT_DEADLINES, connectMs: 700 },
  });
});
afterEach(() => connection.close());

const turn = () => new Promise((resolve) => setImmediate(resolve));
const spending = frame(FRAME.message, CALLS.Infer.response, { spending: {} });

/** Makes ready for an inference, and returns the socket that was opened for it. */
async function spare(): Promise<FakeSocket> {
  const ready = connection.ensureReady();
  const { socket } = opened[opened.length - 1];
  socket.happen('open');
  await ready;
  return socket;
}

test('at most one connection is kept for the next inference, which takes it', async () => {
  const [first, second] = [await spare(), await spare()];
  assert.deepEqual([first.closed, second.closed], [true, false]);
  connection.infer();
  assert.equal(opened.length, 2);
  connection.infer();
  assert.equal(opened.length, 3, 'another one has its own');
});

test('a connection that is kept for an inference is closed by a preparation', async () => {
  const socket = await spare();
  connection.preprocess();
  assert.ok(socket.closed);
});

test('a connection that the server closes, or speaks on before it is asked, is not used', async () => {
  const broken = await spare();
  broken.happen('close');
  connection.infer();
  assert.equal(opened.length, 2);
  const speaking = await spare();
  speaking.say(spending);
  assert.ok(speaking.closed);
  connection.infer();
  assert.equal(opened.length, 4);
});

test('a call with one answer closes its connection', async () => {
  const models = connection.listModels();
  const { name, socket } = opened[0];
  assert.equal(name, 'ListModels');
  socket.happen('open');
  await turn();
  socket.say(frame(FRAME.message, CALLS.ListModels.response, { models: [] }));
  assert.deepEqual(await models, []);
  assert.ok(socket.closed);
});

test('a server that is away for a moment is waited for, and one that stays away is not', async () => {
  const ready = connection.ensureReady();
  opened[0].socket.happen('close');
  while (opened.length < 2) await turn();
  opened[1].socket.happen('open');
  await ready;
  let waiting = true;
  const refused = assert.rejects(connection.ensureReady(), { code: 'server/unreachable' }).finally(() => {
    waiting = false;
  });
  for (; waiting; await turn()) opened[opened.length - 1].socket.happen('close');
  await refused;
});

test('an abort ends the wait for a server that is away', async () => {
  const stop = new AbortController();
  const waiting = assert.rejects(connection.ensureReady(stop.signal), { code: 'aborted' });
  opened[0].socket.happen('close');
  await turn();
  stop.abort();
  await waiting;
  assert.equal(opened.length, 1);
});
