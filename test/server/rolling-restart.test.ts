/** Two servers with one Redis behind a balancer that asks for their health, restarted in turn under load. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../client/index.ts';
import { Balancer } from '../support/balancer.ts';
import { assertRight, image } from '../support/connected.ts';
import { firstMessage } from '../support/first-message.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { NO_REDIS, redisServer } from './redis-server.ts';

/** One for each server. More only keep a restarted server waiting for a processor. */
const CLIENTS = 2;

/** How long the balancer takes to find out that a server stops (ms): less than the replicas serve on. */
const FINDS_OUT_MS = 100;

/** More failures than this end the load early: something is wrong for good. */
const MOST_FAILURES = 4 * CLIENTS;

/** Longer than a busy machine keeps anything waiting (ms): what this test holds is that no call fails, not how long one takes. */
const PATIENCE = { connectMs: 120_000, idleMs: 120_000 };

interface Replica {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startReplica(url: string): Promise<Replica> {
  const env = { ...process.env, SPHYNX_STORE_KEY: 'ab'.repeat(32) };
  const child = fork(join(import.meta.dirname, 'replica-process.ts'), [url], { env });
  after(() => child.kill('SIGKILL'));
  for (;;) {
    const { port } = await firstMessage<{ port?: number }>(child);
    if (port) return { process: child, port };
  }
}

/** What clients with pools met while each of two replicas was ended by `signal`, once the balancer knew if it said so. */
async function restartUnderLoad(
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<{ failures: unknown[]; spent: string[] }> {
  const { url } = await redisServer();
  const replicas = await Promise.all([startReplica(url), startReplica(url)]);
  const balancer = await Balancer.over(replicas.map(({ port }) => port));
  after(() => balancer.close());
  const failures: unknown[] = [];
  const spent: string[] = [];
  let done = false;
  const load = Array.from({ length: CLIENTS }, async () => {
    const client = await connect(balancer.address, {
      stateFolder: temporaryFolder(),
      warmUp: false,
      deadlines: PATIENCE,
    });
    client.pool({ low: 1, high: 2, onStatus: ({ error }) => error && failures.push(error) });
    while (!done)
      try {
        const { logits, bundleId } = await client.classify(image, { prepare: true });
        spent.push(bundleId);
        await assertRight(logits);
      } catch (error) {
        failures.push(error);
        await delay(100);
      }
    await client.close();
  });
  const progress = async (images = CLIENTS) => {
    for (const enough = spent.length + images; spent.length < enough && failures.length <= MOST_FAILURES; )
      await delay(20);
  };
  await progress();
  for (const { process, port } of [...replicas]) {
    const gone = once(process, 'exit');
    process.kill(signal);
    await delay(FINDS_OUT_MS);
    balancer.avoid(port);
    await gone;
    await progress();
    balancer.add((await startReplica(url)).port);
    await progress();
  }
  done = true;
  await Promise.all(load);
  return { failures, spent };
}

test('a rolling restart under load costs no call and no bundle', { skip: NO_REDIS }, async () => {
  const { failures, spent } = await restartUnderLoad('SIGTERM');
  assert.deepEqual(failures, []);
  assert.equal(new Set(spent).size, spent.length, 'no bundle was spent twice');
});

test('replicas that die under load cost the inferences in flight and nothing else', {
  skip: NO_REDIS,
}, async () => {
  const { failures, spent } = await restartUnderLoad('SIGKILL');
  const others = failures.filter(
    (failure) =>
      !/broke in the middle of an inference, and its bundle is used up/.test((failure as Error).message),
  );
  assert.deepEqual(others, []);
  assert.ok(failures.length <= 2 * CLIENTS, `${failures.length} inferences of ${CLIENTS} clients`);
  assert.equal(new Set(spent).size, spent.length, 'no bundle was spent twice');
});
