import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../client/index.ts';
import { makePlan } from '../../protocol/plan.ts';
import { temporaryFolder } from '../server/bundles.ts';
import { network, runningServer } from '../server/running-server.ts';
import { Link } from './link.ts';

const plan = makePlan(network.card);
const image = { width: 8, height: 8, data: new Uint8Array(192) };

function child(script: string, ...args: string[]): ChildProcess {
  const process = fork(join(import.meta.dirname, '..', script), args);
  after(() => process.kill('SIGKILL'));
  return process;
}

async function kill(process: ChildProcess): Promise<void> {
  process.kill('SIGKILL');
  await once(process, 'exit');
}

async function link(port: number): Promise<Link> {
  const between = await Link.to(port);
  after(() => between.close());
  return between;
}

function endings(stateFolder: string): string[] {
  const names = readdirSync(join(stateFolder, 'bundles'), { recursive: true, encoding: 'utf8' });
  return names.flatMap((name) => /\.(partial|ready|spending)$/.exec(name)?.[1] ?? []).sort();
}

test('a client killed in the middle of an inference has burned that bundle and can use its others', async () => {
  const server = await runningServer();
  const between = await link(server.port);
  const stateFolder = temporaryFolder();
  const process = child('client/client-process.ts', between.address, stateFolder);
  await once(process, 'message');
  between.fallSilentAfter(plan.onlineBytes.down / 2);
  while (!endings(stateFolder).includes('spending')) await delay(5);
  await kill(process);
  assert.deepEqual(endings(stateFolder), ['ready', 'spending']);

  between.leadTo(server.port);
  const client = await connect(between.address, { stateFolder });
  after(() => client.close());
  assert.deepEqual(endings(stateFolder), ['ready']);
  await client.classify(image);
  await assert.rejects(client.classify(image), { code: 'bundle/none' });
});

test('a server killed in the middle of an inference is an error, and after its restart the other bundles work', async () => {
  const records = temporaryFolder();
  const first = child('server/server-process.ts', records);
  const [port] = await once(first, 'message');
  const between = await link(port);
  const client = await connect(between.address, { stateFolder: temporaryFolder() });
  after(() => client.close());
  await client.prepare({ count: 2 });
  between.fallSilentAfter(plan.onlineBytes.down / 2);
  const classifying = assert.rejects(client.classify(image), {
    code: /server\/unreachable|protocol\/closed/,
  });
  while ((await client.bundles()).length > 1) await delay(5);
  await kill(first);
  between.cut();
  await classifying;
  assert.equal((await client.bundles()).length, 1);

  const second = child('server/server-process.ts', records);
  const [newPort] = await once(second, 'message');
  between.leadTo(newPort);
  await client.classify(image);
  await assert.rejects(client.classify(image), { code: 'bundle/none' });
});
