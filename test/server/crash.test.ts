import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomImage } from '../support/card-image.ts';
import { firstMessage } from '../support/first-message.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { TestClient } from '../support/test-client.ts';

const token = 'b'.repeat(32);
const image = randomImage(network.card);

async function serverProcess(folder: string): Promise<{ process: ChildProcess; client: TestClient }> {
  const child = fork(join(import.meta.dirname, '..', 'support', 'server-process.ts'), [folder]);
  const port = await firstMessage<number>(child);
  return { process: child, client: new TestClient(port, network, { token }) };
}

test('kill -9 of the server in the middle of an inference burns that bundle and no other', async () => {
  const folder = temporaryFolder();
  const { process: victim, client } = await serverProcess(folder);
  const [bundle, unused] = await client.prepare(2);
  const preparing = await client.openSession(1);
  const unfinished = await client.prepareUncommitted(preparing.stream, preparing.session);
  const stream = await client.spend(bundle.id);
  victim.kill('SIGKILL');
  await assert.rejects(stream.expect('segment'), { code: 'server/unreachable' });
  await assert.rejects(preparing.stream.expect('ready'), { code: 'server/unreachable' });
  client.close();
  const restarted = await runningServer({ stateFolder: folder });
  const again = restarted.client(token);
  await assert.rejects(again.spend(bundle.id), { code: 'bundle/spent' });
  await assert.rejects(again.spend(unfinished.id), /bundle|spent/);
  assert.equal((await again.classify(unused, image)).length, network.card.labels.length);
});
