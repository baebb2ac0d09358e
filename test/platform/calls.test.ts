/** Calls between threads: typed, answered out of order, and failed when the thread dies. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { Thread, threadFile } from '../../platform/node/thread.ts';
import type { EchoCalls } from './echo-thread.ts';

const start = () => new Thread<EchoCalls>(threadFile(import.meta.url, './echo-thread'));
const thread = start();
after(() => thread.stop());

test('concurrent calls get their own answers and events', async () => {
  const events: number[] = [];
  const answers = await Promise.all([
    thread.call('count', 3, { onEvent: (event) => events.push(event) }),
    thread.call('double', 4),
    thread.call('double', -1),
  ]);
  assert.deepEqual(answers, ['counted', 8, -2]);
  assert.deepEqual(events, [0, 1, 2]);
});

test('a signal reaches the call that it is for, also one that was aborted before', async () => {
  const abort = new AbortController();
  const waiting = thread.call('wait', undefined, { signal: abort.signal });
  assert.equal(await thread.call('double', 1), 2);
  abort.abort();
  assert.equal(await waiting, 'aborted');
  assert.equal(await thread.call('wait', undefined, { signal: AbortSignal.abort() }), 'aborted');
});

test('an error keeps its code, message and hint; a fault of ours tells the log alone what it is', async () => {
  await assert.rejects(thread.call('refuse', undefined), {
    code: 'server/busy',
    message: 'come back',
    retryAfterMs: 7,
    cause: undefined,
  });
  for (const fault of ['break', 'wrap'] as const)
    await assert.rejects(thread.call(fault, undefined), (error: SphynxError) => {
      assert.equal(error.code, 'internal');
      assert.doesNotMatch(error.message, /fault of ours/);
      assert.match(String(error.cause), /TypeError: a fault of ours/);
      return true;
    });
});

test('an argument that cannot be sent fails its call and no other', async () => {
  await assert.rejects(thread.call('double', (() => 1) as unknown as number), /could not be cloned/);
  assert.equal(await thread.call('double', 2), 4);
});

test('a thread that dies fails what waits for it, and what comes later', async () => {
  const mortal = start();
  const waiting = assert.rejects(mortal.call('wait', undefined), {
    code: 'internal',
    message: /thread died/,
  });
  await assert.rejects(mortal.call('die', undefined), { code: 'internal' });
  await waiting;
  assert.equal(mortal.alive, false);
  assert.equal(await mortal.gone, undefined);
  await assert.rejects(mortal.call('double', 1), { code: 'internal' });
});

test('a thread that is stopped is gone when that is done', async () => {
  const stopped = start();
  const waiting = assert.rejects(stopped.call('wait', undefined), { code: 'internal' });
  await stopped.stop();
  assert.equal(stopped.alive, false);
  await waiting;
});
