/** Two servers with one Redis behind a balancer. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, connect } from '../../client/index.ts';
import { Balancer } from '../support/balancer.ts';
import { assertRight, image } from '../support/connected.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { NO_REDIS, redisServer } from './redis-server.ts';

const CLIENTS = 3;

/** Bundles that a client prepares at once: opening a session takes far longer than this network's bundles do. */
const BATCH = 3;

/** Bundles in the order in which all servers together have spent them. */
const spent: string[] = [];

interface Replica {
  readonly process: ChildProcess;
  readonly port: number;
}

async function startReplica(url: string): Promise<Replica> {
  const env = { ...process.env, SPHYNX_STORE_KEY: 'ab'.repeat(32) };
  const child = fork(join(import.meta.dirname, 'replica-process.ts'), [url], { env });
  after(() => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    child.on('message', ({ port, line }: { port?: number; line?: { msg: string; bundle: string } }) => {
      if (port) resolve({ process: child, port });
      if (line?.msg === 'bundle spending') spent.push(line.bundle);
    });
  });
}

async function end({ process }: Replica, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const gone = once(process, 'exit');
  process.kill(signal);
  await gone;
}

test('bundles prepared on one server are spent on another, and kill -9 or a rolling restart loses no ready one', {
  skip: NO_REDIS,
}, async () => {
  const { url } = await redisServer();
  const replicas = await Promise.all([startReplica(url), startReplica(url)]);
  const balancer = await Balancer.over(replicas.map(({ port }) => port));
  after(() => balancer.close());
  const stateFolder = temporaryFolder();
  const dial = async (folder = stateFolder): Promise<Client> => {
    const client = await connect(balancer.address, { stateFolder: folder });
    after(() => client.close());
    return client;
  };

  const preparer = await dial();
  await preparer.prepare({ count: 4 });
  // The balancer gives every second connection to the other server.
  const spender = await dial();
  await assertRight((await spender.classify(image)).logits);
  await Promise.all([preparer.close(), spender.close()]);

  let done = false;
  let right = 0;
  let batches = 0;
  const failures = new Set<string>();
  const load = Array.from({ length: CLIENTS }, async () => {
    const client = await dial(temporaryFolder());
    while (!done)
      try {
        if ((await client.bundles()).length === 0) {
          await client.prepare({ count: BATCH });
          batches++;
        }
        await assertRight((await client.classify(image)).logits);
        right++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        failures.add((error as { code: string }).code);
        await delay(50);
      }
    await client.close();
  });
  /** Both phases go on: images are classified, and bundles prepared. */
  const progress = async () => {
    const [images, preparations] = [right + CLIENTS, batches + 1];
    while (right < images || batches < preparations) await delay(20);
  };
  await progress();
  for (const [i, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
    // It takes its time, and the other one carries on alone.
    const starting = startReplica(url);
    await end(replicas[i], signal);
    await progress();
    const successor = await starting;
    balancer.replace(replicas[i].port, successor.port);
    replicas[i] = successor;
    await progress();
  }
  done = true;
  await Promise.all(load);
  const expected = ['server/unreachable', 'server/stopping', 'protocol/closed', 'bundle/none'];
  assert.deepEqual(
    [...failures].filter((code) => !expected.includes(code)),
    [],
  );

  const heir = await dial();
  assert.equal((await heir.bundles()).length, 3);
  for (let i = 0; i < 3; i++) await assertRight((await heir.classify(image)).logits);
  await heir.close();
  assert.ok(spent.length > 4);
  assert.equal(new Set(spent).size, spent.length, 'no bundle was spent twice');
  for (const replica of replicas) await end(replica, 'SIGTERM');
});
