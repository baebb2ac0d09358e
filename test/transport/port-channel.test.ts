import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { owned } from '../../kernels/release.ts';
import type { Segment } from '../../protocol/segment.ts';
import { PortChannel } from '../../transport/port-channel.ts';

function pair(prefetch: number): { near: PortChannel; far: PortChannel } {
  const { port1, port2 } = new MessageChannel();
  return { near: new PortChannel(port1, { prefetch }), far: new PortChannel(port2, { prefetch }) };
}

function segment(fill: number, length = 10): Segment {
  return {
    kind: 'ot-matrix',
    layer: 1,
    offset: fill * length,
    data: owned(new Uint8Array(length).fill(fill)),
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

test('segments arrive in order and whole', async () => {
  const { near, far } = pair(2);
  const sent = Array.from({ length: 20 }, (_, i) => segment(i));
  const sending = (async () => {
    for (const [i] of sent.entries()) await near.send(segment(i));
    near.end();
  })();
  const received: Segment[] = [];
  for (let each = await far.next(); each; each = await far.next()) received.push(each);
  await sending;
  assert.deepEqual(received, sent);
});

test('data moves to the other thread, and only a view of something larger is copied', async () => {
  const { near, far } = pair(2);
  const own = new Uint8Array([1, 2, 3]);
  const large = new Uint8Array(5000).fill(7);
  await near.send({ kind: 'nonce', layer: 0, offset: 0, data: owned(own) });
  await near.send({ kind: 'nonce', layer: 0, offset: 3, data: owned(large.subarray(10, 12)) });
  assert.equal(own.length, 0);
  assert.equal(large.length, 5000);
  assert.deepEqual([...(await far.receive()).data], [1, 2, 3]);
  assert.deepEqual([...(await far.receive()).data], [7, 7]);
  near.end();
});

test('a sender is held back once the other side has as many unread segments as it allowed', async () => {
  const { near, far } = pair(3);
  let accepted = 0;
  const sending = (async () => {
    for (let i = 0; i < 10; i++) {
      await near.send(segment(i));
      accepted++;
    }
  })();
  await settle();
  assert.equal(accepted, 3);
  await far.receive();
  await settle();
  assert.equal(accepted, 4);
  for (let i = 1; i < 10; i++) await far.receive();
  await sending;
  far.end();
});

test('without prefetch nothing is wanted before somebody receives', async () => {
  const { near, far } = pair(0);
  let wanted = false;
  const waiting = near.wanted().then(() => {
    wanted = true;
  });
  await settle();
  assert.equal(wanted, false);
  const receiving = far.receive();
  await waiting;
  await near.send(segment(5));
  assert.equal((await receiving).data[0], 5);
  near.end();
});

test('two senders share one credit without exceeding it', async () => {
  const { near, far } = pair(0);
  const sending = Promise.all([near.send(segment(1)), near.send(segment(2))]);
  assert.equal((await far.receive()).data[0], 1);
  assert.equal((await far.receive()).data[0], 2);
  await sending;
  far.end();
});

test('many waiting senders never exceed their credits, and keep their order', async () => {
  const { near, far } = pair(0);
  const sending = Promise.all(Array.from({ length: 6 }, (_, i) => near.send(segment(i))));
  for (let i = 0; i < 6; i++) {
    await settle();
    assert.deepEqual(await far.receive(), segment(i));
  }
  await sending;
  far.end();
});

test('after the end of one side everything sent before is read, then receive says closed', async () => {
  const { near, far } = pair(4);
  await near.send(segment(1));
  near.end();
  assert.equal((await far.receive()).data[0], 1);
  assert.equal(await far.next(), undefined);
  await assert.rejects(far.receive(), { code: 'protocol/closed' });
  await assert.rejects(far.send(segment(2)), { code: 'protocol/closed' });
  assert.equal(await far.wanted(), false);
});

test('a failure reaches both waiting sides with code and message, without its cause', async () => {
  const { near, far } = pair(0);
  const waiting = Promise.allSettled([far.receive(), near.send(segment(1)), near.receive()]);
  const cause = new Error('only for the log');
  near.fail(new SphynxError('model/mismatch', 'another model', { cause }));
  const [there, ...here] = (await waiting).map((each) => each.status === 'rejected' && each.reason);
  assert.equal(there.code, 'model/mismatch');
  assert.equal(there.message, 'another model');
  assert.equal(there.cause, undefined);
  for (const error of here) assert.equal(error.cause, cause);
  await assert.rejects(near.receive(), { code: 'model/mismatch' });
});

test('a thread that dies fails the channel', async () => {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(
    "require('node:worker_threads').parentPort.once('message', () => process.exit(3))",
    {
      eval: true,
    },
  );
  const near = new PortChannel(port1);
  const receiving = near.receive();
  worker.postMessage(port2, [port2]);
  await assert.rejects(receiving, { code: 'internal' });
});
