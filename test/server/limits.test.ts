import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Channel } from '../../protocol/channel.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { prepareClient } from '../../protocol/offline.ts';
import { closeSession } from '../../protocol/session.ts';
import { StreamChannel } from '../../transport/stream-channel.ts';
import { runningServer } from '../support/running-server.ts';
import type { PreprocessStream, TestClient } from '../support/test-client.ts';

const server = await runningServer({
  limits: {
    sessions: 2,
    sessionsPerClient: 1,
    inferences: 2,
    inferencesPerClient: 1,
    bundlesPerClient: 2,
    bundlesPerStream: 4,
  },
});

async function hello(client: TestClient, count = 1) {
  const stream = client.preprocess();
  await stream.send({ hello: { ...client.model, count } });
  await stream.expect('accepted');
  return stream;
}

/** Rejects with what ends a stream on which nothing more is said; the server has sent the seed of its key. */
async function endOf(stream: PreprocessStream): Promise<void> {
  await stream.expect('segment');
  await stream.expect('offer');
}

test('a client, and all of them together, run a limited number of preparations, and places are given back', async () => {
  const [first, second, third] = [server.client(), server.client(), server.client()];
  const running = await hello(first);
  await assert.rejects(hello(first), { code: 'server/busy', message: /this client/ });
  const other = await hello(second);
  await assert.rejects(hello(third), { code: 'server/busy', message: /the server/ });
  running.end();
  await assert.rejects(endOf(running), { code: 'protocol/closed' });
  const late = await hello(third);
  for (const stream of [other, late]) {
    stream.end();
    await assert.rejects(endOf(stream), { code: 'protocol/closed' });
  }
});

test('one inference of a client at a time, when the limit says so', async () => {
  const client = server.client();
  const [first, second] = await client.prepare(2);
  const running = await client.spend(first.id);
  await assert.rejects(client.spend(second.id), { code: 'server/busy' });
  running.end();
  await assert.rejects(running.expect('segment'), { code: 'protocol/closed' });
  assert.ok(await client.spend(second.id), 'a refusal for lack of room does not spend the bundle');
});

test('a client holds a limited number of unspent bundles', async () => {
  const client = server.client();
  await client.prepare(2);
  await assert.rejects(client.prepare(1), { code: 'server/busy' });
  await assert.rejects(hello(server.client(), 5), { code: 'config/invalid' });
});

test('a session serves at most sixteen bundles, whatever the configuration says', async () => {
  const client = (await runningServer()).client();
  await assert.rejects(hello(client, 17), {
    code: 'config/invalid',
    message: /1 to 16 bundles.*another stream/,
  });
  (await hello(client, 16)).end();
  await assert.rejects(runningServer({ limits: { bundlesPerStream: 17 } }), {
    code: 'config/invalid',
    message: /bundlesPerStream .* 1 to 16/,
  });
});

/** What a preparation ends with whose client pauses before each message, for a third of the silence that is allowed. */
async function dawdle(idleMs: number): Promise<SphynxError> {
  const strict = await runningServer({ limits: { idleMs, slowestBytesPerSecond: 1e9 } });
  const client = strict.client();
  const { stream, session } = await client.openSession(1);
  await stream.send({ begin: {} });
  await stream.expect('offer');
  const channel = new StreamChannel(stream);
  const dawdling: Channel = {
    receive: () => channel.receive(),
    async send(segment) {
      await delay(idleMs / 3);
      await channel.send(segment);
    },
  };
  try {
    await prepareClient(session, client.plan, dawdling, new MemoryBundle());
  } catch (error) {
    return error as SphynxError;
  } finally {
    closeSession(session);
  }
  throw new Error('the preparation was not cut');
}

test('a bundle whose client dawdles is cut, though it is never silent', async () => {
  // On a machine that stands still in between, the pauses become a silence: then it is tried with longer ones.
  for (let idleMs = 900; ; idleMs *= 3) {
    const { code, message } = await dawdle(idleMs);
    assert.equal(code, 'protocol/deadline', message);
    if (message.includes('silent') && idleMs < 60_000) continue;
    assert.match(message, new RegExp(`in work for ${idleMs} ms`));
    return;
  }
});

test('a preparation that its client breaks off counts against its quota', async () => {
  const strict = await runningServer({ limits: { preparationsPerHour: 2 } });
  const client = strict.client();
  await client.prepare();
  const { stream, session } = await client.openSession(2);
  await stream.send({ begin: {} });
  await stream.expect('offer');
  stream.abort(new SphynxError('aborted', 'this client has changed its mind'));
  closeSession(session);
  const refused = (error: SphynxError) =>
    error.code === 'quota/exceeded' && (error.retryAfterMs as number) <= 3_600_000;
  await assert.rejects(client.prepare(), refused);
});

test('a stream that lasts too long is cut', async () => {
  const strict = await runningServer({ limits: { sessionMs: 100 } });
  await assert.rejects(async () => endOf(await hello(strict.client())), { code: 'protocol/deadline' });
});
