import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { ClientWorker } from '../../browser/client-worker.ts';
import type { WorkerCalls } from '../../browser/worker-calls.ts';
import { WorkerSlot } from '../../browser/worker-slot.ts';
import { DEFAULT_DEADLINES } from '../../client/limits.ts';
import type { FromWorker, ToWorker } from '../../platform/calls.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
afterEach(() => mock.timers.reset());

/** A worker that answers pings, if it is `awake`, and what a test answers. */
class FakeWorker {
  onmessage: ((event: { data: FromWorker }) => void) | undefined;
  onerror: ((event: { message?: string }) => void) | undefined;
  onmessageerror: (() => void) | undefined;
  terminated = false;
  awake = true;
  readonly heard: ToWorker<WorkerCalls>[] = [];

  postMessage(message: ToWorker<WorkerCalls>): void {
    this.heard.push(message);
    if (this.awake && message.type === 'call' && message.name === 'ping') this.answer('ping', undefined);
  }

  /** Answers the latest call of this name. */
  answer(name: keyof WorkerCalls, result: unknown): void {
    const call = this.heard.findLast((message) => message.type === 'call' && message.name === name);
    this.onmessage?.({ data: { type: 'result', id: call?.id as number, result } });
  }

  terminate(): void {
    this.terminated = true;
  }
}

function start(): { fake: FakeWorker; worker: ClientWorker } {
  const fake = new FakeWorker();
  return { fake, worker: new ClientWorker(fake as unknown as Worker, DEFAULT_DEADLINES) };
}

/** Lets time pass in steps of one second. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    mock.timers.tick(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a call that is aborted ends soon, also if the worker does not answer', async () => {
  const { fake, worker } = start();
  const stop = new AbortController();
  const waiting = assert.rejects(worker.ask('models', undefined, stop.signal), { code: 'aborted' });
  stop.abort();
  await pass(3);
  await waiting;
  assert.equal(fake.terminated, false, 'others may still use the worker');
});

test('a worker that never loads fails the connection in time', async () => {
  const { fake, worker } = start();
  fake.awake = false;
  const given = { address: 'wss://models.example.org', deadlines: DEFAULT_DEADLINES, warmUp: true };
  const waiting = assert.rejects(worker.connect(given), {
    code: 'protocol/deadline',
    message: /did not load/,
  });
  await pass((2 * DEFAULT_DEADLINES.connectMs) / 1000);
  await waiting;
  assert.ok(fake.terminated);
});

test('a worker that computes for ever is terminated, whichever call waits for it', async () => {
  const { fake, worker } = start();
  const waiting = assert.rejects(worker.ask('models', undefined), {
    code: 'model/unsupported',
    message: /too complex/,
  });
  await pass(120);
  assert.equal(fake.terminated, false, 'a worker that waits for its server answers pings');
  fake.awake = false;
  await pass(DEFAULT_DEADLINES.planMs / 1000);
  assert.equal(fake.terminated, false, 'a plan may take so long');
  await pass(10);
  await waiting;
  assert.ok(fake.terminated);
});

test('a worker that computes for ever is terminated even if its only call was aborted', async () => {
  const { fake, worker } = start();
  fake.awake = false;
  const stop = new AbortController();
  const waiting = assert.rejects(worker.ask('models', undefined, stop.signal), { code: 'aborted' });
  await pass(1);
  stop.abort();
  await pass(60);
  await waiting;
  assert.ok(fake.terminated);
});

test('an idle worker is not asked for signs of life', async () => {
  const { fake, worker } = start();
  const asked = worker.ask('clear', undefined);
  fake.answer('clear', 2);
  assert.equal(await asked, 2);
  await pass(2);
  const { length } = fake.heard;
  await pass(60);
  assert.equal(fake.heard.length, length);
});

test('a worker that fails is terminated, and the next call starts another one', async () => {
  for (const fail of [
    ({ onerror }: FakeWorker) => onerror?.({ message: 'a fault of ours' }),
    ({ onmessageerror }: FakeWorker) => onmessageerror?.(),
  ]) {
    const opened: FakeWorker[] = [];
    const slot = new WorkerSlot(async () => {
      const { fake, worker } = start();
      opened.push(fake);
      return worker;
    });
    const lost = assert.rejects(slot.ask('models', undefined), { code: 'internal' });
    await pass(1);
    fail(opened[0]);
    await lost;
    assert.ok(opened[0].terminated);
    const asked = slot.ask('clear', undefined);
    await pass(1);
    opened[1].answer('clear', 1);
    assert.equal(await asked, 1);
  }
});

test('a call can be aborted while its worker is opened', async () => {
  const slot = new WorkerSlot(() => new Promise(() => {}));
  const stop = new AbortController();
  const waiting = assert.rejects(slot.ask('models', undefined, stop.signal), { code: 'aborted' });
  stop.abort();
  await waiting;
});

test('a worker that cannot be opened fails its call, and the next one tries again', async () => {
  let attempts = 0;
  const slot = new WorkerSlot(async () => {
    if (++attempts === 1) throw new TypeError('not yet');
    return start().worker;
  });
  await assert.rejects(slot.ask('models', undefined), TypeError);
  slot.ask('models', undefined).catch(() => {});
  await pass(1);
  assert.equal(attempts, 2);
  slot.close();
  await assert.rejects(slot.ask('models', undefined), { code: 'aborted' });
});
