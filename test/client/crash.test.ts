import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makePlan } from '../../protocol/plan.ts';
import { bundleFiles, image, newClient, newLink, server } from '../support/connected.ts';
import { firstMessage } from '../support/first-message.ts';
import { network } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const plan = makePlan(network.card);

function child(script: string, ...args: string[]): ChildProcess {
  const process = fork(join(import.meta.dirname, '..', script), args);
  after(() => process.kill('SIGKILL'));
  return process;
}

async function kill(process: ChildProcess): Promise<void> {
  process.kill('SIGKILL');
  await once(process, 'exit');
}

/** The states of all bundles below a state folder. */
function endings(stateFolder: string): string[] {
  return bundleFiles(stateFolder)
    .map((name) => name.slice(name.lastIndexOf('.') + 1))
    .sort();
}

test('a client killed in the middle of an inference has burned that bundle and can use its others', async () => {
  const between = await newLink();
  const stateFolder = temporaryFolder();
  const process = child('client/client-process.ts', between.address, stateFolder);
  await firstMessage(process);
  between.fallSilentAfter(plan.onlineBytes.down / 2);
  while (!endings(stateFolder).includes('spending')) await delay(5);
  await kill(process);
  assert.deepEqual(endings(stateFolder), ['ready', 'spending']);

  between.leadTo(server.port);
  const client = await newClient({ stateFolder }, between.address);
  assert.deepEqual(endings(stateFolder), ['ready']);
  await client.classify(image);
  await assert.rejects(client.classify(image), { code: 'bundle/none' });
});

test('a server killed in the middle of an inference is an error, and after its restart the other bundles work', async () => {
  const records = temporaryFolder();
  const first = child('support/server-process.ts', records);
  const port = await firstMessage<number>(first);
  const between = await newLink(port);
  const client = await newClient({}, between.address);
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

  const second = child('support/server-process.ts', records);
  const newPort = await firstMessage<number>(second);
  between.leadTo(newPort);
  await client.classify(image);
  await assert.rejects(client.classify(image), { code: 'bundle/none' });
});
