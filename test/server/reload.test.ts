import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { randomImage } from '../support/card-image.ts';
import { assertRight, image, newClient } from '../support/connected.ts';
import { network, runningServer } from '../support/running-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { TestClient } from '../support/test-client.ts';

const shape = { C: 2, D: 2, reduceAt: [0], size: 8, classes: 10 };
/** Another network of another name. */
const second = randomModel({ ...shape, C: 3 });
/** Other weights under the same name. */
const successor = randomModel({ ...shape, seed: 7 });

test('models come and go while the server runs, and a running inference ends well', async () => {
  const server = await runningServer();
  const client = server.client();
  const [bundle] = await client.prepare(1);
  const running = await client.spend(bundle.id);
  await server.reload({ models: [second] });
  assert.equal((await client.finish(running, bundle, randomImage(network.card))).length, 10);
  const other = new TestClient(server.port, second);
  const [fresh] = await other.prepare(1);
  assert.equal((await other.classify(fresh, randomImage(second.card))).length, 10);
  other.close();
  await assert.rejects(client.prepare(1), { code: 'model/unknown' });
  await server.reload({ models: [second, network] });
  await client.prepare(1);
});

test('a session whose model is removed is told so at its next bundle', async () => {
  const server = await runningServer();
  const client = server.client();
  const { stream, session } = await client.openSession(2);
  const { id } = await client.prepareUncommitted(stream, session);
  await server.reload({ models: [second] });
  await stream.send({ commit: { bundleId: id } });
  await stream.expect('ready');
  await stream.send({ begin: {} });
  await assert.rejects(stream.expect('offer'), { code: 'model/unknown' });
});

test('a client learns which bundles lost their model, and what to do', async () => {
  const server = await runningServer();
  const client = await newClient({}, `127.0.0.1:${server.port}`);
  const bundles = await client.prepare({ count: 2 });
  assert.deepEqual(await client.removedModels(), []);
  await server.reload({ models: [successor] });
  const [removed] = await client.removedModels();
  assert.deepEqual([removed.modelHash, removed.replaced], [network.card.hash, true]);
  assert.deepEqual(
    removed.bundles.map(({ bundleId }) => bundleId).sort(),
    bundles.map(({ bundleId }) => bundleId).sort(),
  );
  await assert.rejects(client.classify(image), (error: SphynxError) => {
    assert.equal(error.code, 'model/mismatch');
    for (const { bundleId } of bundles)
      assert.ok(error.message.includes(bundleId.slice(0, 8)), error.message);
    assert.match(error.message, /replaced .*by another version.*delete them .*prepare new ones/);
    return true;
  });
  assert.equal(await client.dropRemoved(), 2);
  assert.deepEqual(await client.bundles(), []);
  await server.reload();
  await assertRight((await client.classify(image, { prepare: true })).logits);
});

test('a model that cannot be loaded leaves everything as it was', async () => {
  const server = await runningServer();
  await assert.rejects(server.reload({ models: ['/nowhere'] }), { code: 'model/format' });
  await assert.rejects(server.reload({ models: [] }), { code: 'config/invalid' });
  await server.client().prepare(1);
  assert.deepEqual(
    server.models.map(({ name }) => name),
    [network.card.name],
  );
});

test('versions of a model live side by side, and the one given first is the current one', async () => {
  const server = await runningServer();
  const [address, stateFolder] = [`127.0.0.1:${server.port}`, temporaryFolder()];
  const before = await newClient({ stateFolder }, address);
  await before.prepare();
  await before.close();
  await server.reload({ models: [successor, network] });

  const later = await newClient({ stateFolder }, address);
  assert.equal((await later.modelCard()).hash, successor.card.hash);
  const old = `${network.card.name}@${network.card.hash.slice(0, 12)}`;
  await assert.rejects(later.classify(image), {
    code: 'bundle/none',
    message: new RegExp(`bundles are ready for ${old} .1.`),
  });
  await assertRight((await later.classify(image, { model: old })).logits);
  await assert.rejects(later.classify(image, { model: `${network.card.name}@00000000` }), {
    code: 'model/unknown',
  });
  await assert.rejects(later.classify(image, { model: `${network.card.name}@xyz` }), {
    code: 'model/unknown',
  });

  await later.prepare();
  assert.deepEqual(
    (await later.bundles()).map(({ modelHash }) => modelHash),
    [successor.card.hash],
  );
  await assert.rejects(server.reload({ models: [network, network] }), { code: 'config/invalid' });
});
