import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { assertRight, bundleFiles, image, newClient } from '../support/connected.ts';
import { network } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { playingServer } from './playing-server.ts';

const silence = new Promise<never>(() => {});

test('a server that does not end its streams delays nobody, and the streams are cut', async () => {
  const cut: Promise<unknown>[] = [];
  const hold = (stream: { signal: AbortSignal }) => {
    cut.push(once(stream.signal, 'abort'));
    return silence;
  };
  const { address } = await playingServer(network, { afterLogits: hold, afterBundles: hold });
  const client = await newClient({}, address);
  await assertRight((await client.classify(image, { prepare: true })).logits);
  assert.equal(cut.length, 2);
  await Promise.all(cut);
});

test('messages of a server after the end are ignored, and the stream is cut', async () => {
  const cut: Promise<unknown>[] = [];
  const { address } = await playingServer(network, {
    afterLogits: async (stream) => {
      cut.push(once(stream.signal, 'abort'));
      await stream.send({ spending: {} });
    },
  });
  const client = await newClient({}, address);
  await assertRight((await client.classify(image, { prepare: true })).logits);
  await Promise.all(cut);
});

test('a bundle id that is no hex digits, such as a path, is refused and leaves no file', async () => {
  for (const id of [
    '../../../../tmp/x',
    '',
    'g'.repeat(32),
    'a'.repeat(31),
    `${'a'.repeat(32)}/x`,
    'A'.repeat(32),
  ]) {
    const stateFolder = temporaryFolder();
    const { address } = await playingServer(network, { bundleId: () => id });
    const client = await newClient({ stateFolder }, address);
    await assert.rejects(client.prepare(), { code: 'protocol/length' });
    assert.deepEqual(bundleFiles(stateFolder), []);
  }
});

test('a bundle id that was given before does not replace the bundle of that name', async () => {
  const stateFolder = temporaryFolder();
  const { address, spends } = await playingServer(network, { bundleId: () => 'a'.repeat(32) });
  const client = await newClient({ stateFolder }, address);
  await client.prepare();
  await assert.rejects(client.prepare(), { code: 'protocol/order', message: /already in use/ });
  assert.deepEqual(bundleFiles(stateFolder).length, 1);
  await assertRight((await client.classify(image)).logits);
  assert.equal(spends.length, 1);
});

test('bundles that live forever or not at all do not send the client in circles', async () => {
  const short = await playingServer(network, { lifetimeSeconds: 0 });
  const client = await newClient({}, short.address);
  await assert.rejects(client.classify(image, { prepare: true }), { code: 'bundle/none' });
  assert.deepEqual(short.spends, []);
  const long = await playingServer(network, { lifetimeSeconds: 2 ** 63 });
  const other = await newClient({}, long.address);
  const [{ expiresAt }] = await other.prepare();
  assert.ok(expiresAt <= Date.now() + 366 * 24 * 60 * 60 * 1000);
});
