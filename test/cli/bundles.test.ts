import assert from 'node:assert/strict';
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from '../../client/index.ts';
import { image } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';
import { sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('bundles lists what is ready, drops one by its id, and then all, without a server', async () => {
  const { port, stop } = await runningServer();
  const server = `127.0.0.1:${port}`;
  const state = temporaryFolder();
  const client = await connect(server, { stateFolder: state });
  const prepared = await client.prepare({ count: 3 });
  await client.close();
  await stop();
  const list = async (...args: string[]) => {
    const { code, stdout } = await sphynx(['--json', 'bundles', '--state', state, ...args]);
    assert.equal(code, 0);
    return JSON.parse(stdout);
  };
  const all = await list();
  assert.deepEqual(
    all.bundles.map(({ bundleId }: { bundleId: string }) => bundleId).sort(),
    prepared.map(({ bundleId }) => bundleId).sort(),
  );
  assert.deepEqual([all.bundles[0].server, all.bundles[0].bytes], [server, prepared[0].body.bytes]);
  assert.equal((await list('--server', '127.0.0.1:1')).bundles.length, 0);
  const { bundleId } = prepared[1];
  const left = await list('--drop', bundleId.slice(0, 12));
  assert.deepEqual([left.dropped, left.bundles.length], [1, 2]);
  assert.deepEqual((await list('--drop', 'expired')).dropped, 0);
  const unknown = await sphynx(['bundles', '--state', state, '--drop', bundleId]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /no bundle/);
  assert.deepEqual((await list('--drop', 'all')).bundles, []);
});

test('bundles lists what is set aside, and releases it with --confirm', async () => {
  const { port } = await runningServer();
  const [state, copy] = [temporaryFolder(), temporaryFolder()];
  const client = await connect(`127.0.0.1:${port}`, { stateFolder: state });
  await client.prepare({ count: 2 });
  cpSync(state, copy, { recursive: true });
  await client.classify(image);
  await client.close();
  const other = await connect(`127.0.0.1:${port}`, { stateFolder: copy });
  await assert.rejects(other.classify(image), { code: 'bundle/spent' });
  await other.close();
  const listed = await sphynx(['bundles', '--state', copy]);
  assert.match(listed.stdout, /0 bundles ready; 1 bundles of this folder are set aside.*--confirm/);
  const { stdout } = await sphynx(['--json', 'bundles', '--state', copy, '--confirm']);
  const { confirmed, bundles, setAside } = JSON.parse(stdout);
  assert.deepEqual([confirmed, bundles.length, setAside], [1, 1, 0]);
});

test('store-key makes a key that only its owner can read, and never replaces one', async () => {
  const file = join(temporaryFolder(), 'store.key');
  const { code, stdout } = await sphynx(['--json', 'store-key', 'new', file]);
  assert.equal(code, 0);
  assert.match(JSON.parse(stdout).id, /^[0-9a-f]{16}$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal((await sphynx(['store-key', 'new', file])).code, 2);
});
