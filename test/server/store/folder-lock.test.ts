import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pino } from 'pino';
import { startServer } from '../../../server/index.ts';
import { firstMessage } from '../../support/first-message.ts';
import { network, runningServer } from '../../support/running-server.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const SERVER_PROCESS = join(import.meta.dirname, '..', '..', 'support', 'server-process.ts');

const start = (stateFolder: string) =>
  startServer({
    address: '127.0.0.1:0',
    models: [network],
    stateFolder,
    logger: pino({ level: 'silent' }),
  });

test('a second server on a state folder does not start, and harms nothing that the first one does', async () => {
  const stateFolder = temporaryFolder();
  const first = await runningServer({ stateFolder });
  const client = first.client();
  const { stream, session } = await client.openSession(1);
  const bundle = await client.prepareUncommitted(stream, session);
  await assert.rejects(start(stateFolder), { code: 'config/invalid', message: /another server/ });
  await stream.send({ commit: { bundleId: bundle.id } });
  assert.equal((await stream.expect('ready')).bundleId, bundle.id);
  await first.stop();
  const second = await start(stateFolder);
  await second.stop();
});

test('a second server of the same process that is refused leaves the lock to the first one', async () => {
  const stateFolder = temporaryFolder();
  const first = await runningServer({ stateFolder });
  await assert.rejects(start(stateFolder), { code: 'config/invalid', message: /another server/ });
  const other = fork(SERVER_PROCESS, [stateFolder], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  after(() => other.kill('SIGKILL'));
  await assert.rejects(firstMessage(other), /the process ended/);
  await first.stop();
});

test('a server that was killed does not keep its folder locked', async () => {
  const stateFolder = temporaryFolder();
  const other = fork(SERVER_PROCESS, [stateFolder]);
  after(() => other.kill('SIGKILL'));
  await firstMessage(other);
  await assert.rejects(start(stateFolder), { code: 'config/invalid', message: /another server/ });
  other.kill('SIGKILL');
  await once(other, 'exit');
  const next = await start(stateFolder);
  await next.stop();
});

test('a state folder that everybody can write to is refused', {
  skip: process.platform === 'win32',
}, async () => {
  const stateFolder = temporaryFolder();
  chmodSync(stateFolder, 0o777);
  await assert.rejects(start(stateFolder), { code: 'config/invalid', message: /everybody/ });
  await (await start(join(stateFolder, 'own'))).stop();
});
