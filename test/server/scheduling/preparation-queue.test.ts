import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PreparationQueue } from '../../../server/scheduling/preparation-queue.ts';

const { signal } = new AbortController();
const limits = { preparations: 1, preparationQueue: 4, idleMs: 60_000 };

test('clients take turns, however many bundles one of them asks for', async () => {
  const queue = new PreparationQueue(limits);
  const order: string[] = [];
  const over = await queue.turn('greedy', signal);
  const one = async (client: string, name: string) => {
    const finish = await queue.turn(client, signal);
    order.push(name);
    finish();
  };
  const rest = [one('greedy', 'g1'), one('greedy', 'g2'), one('greedy', 'g3'), one('modest', 'm1')];
  assert.equal(queue.length, 4);
  over();
  await Promise.all(rest);
  assert.deepEqual(order, ['g1', 'm1', 'g2', 'g3']);
  assert.deepEqual([queue.length, queue.inWork], [0, 0]);
});

test('a client that finds the queue full gets a retry hint', async () => {
  const queue = new PreparationQueue({ ...limits, preparationQueue: 1 });
  assert.equal(queue.expectedWaitMs, 0);
  const over = await queue.turn('a', signal);
  const waiting = queue.turn('b', signal);
  assert.ok(queue.expectedWaitMs > 0);
  await assert.rejects(queue.turn('c', signal), (error: { code: string; retryAfterMs: number }) => {
    assert.equal(error.code, 'server/busy');
    assert.equal(error.retryAfterMs, queue.retryAfterMs);
    return true;
  });
  assert.throws(() => queue.checkRoom(), { code: 'server/busy' });
  over();
  (await waiting)();
  queue.checkRoom();
});

test('nobody is admitted to a queue that takes longer than a client waits', async () => {
  const queue = new PreparationQueue({ ...limits, idleMs: 100 });
  await queue.turn('a', signal);
  await assert.rejects(queue.turn('b', signal), { code: 'server/busy' });
});

test('a client that gives up leaves the queue, and a turn ends once', async () => {
  const queue = new PreparationQueue(limits);
  const over = await queue.turn('a', signal);
  const leaving = new AbortController();
  const gone = assert.rejects(queue.turn('b', leaving.signal), /gone/);
  leaving.abort(new Error('gone'));
  await gone;
  assert.equal(queue.length, 0);
  await assert.rejects(queue.turn('b', leaving.signal), /gone/);
  over();
  over();
  assert.equal(queue.inWork, 0);
});
