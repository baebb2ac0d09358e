import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInteger } from '../../model/executor.ts';
import { randomImage } from '../support/card-image.ts';
import { network, runningServer } from '../support/running-server.ts';

const server = await runningServer();

/** Carries move a logit by a few units of the integer scale; wrong logits are off by thousands. */
function assertClose(actual: Int32Array, expected: Int32Array): void {
  assert.equal(actual.length, expected.length);
  const spread = Math.max(...expected) - Math.min(...expected);
  for (const [i, value] of actual.entries())
    assert.ok(
      Math.abs(value - expected[i]) <= 0.05 * spread + 64,
      `logit ${i}: ${value}, plain ${expected[i]}`,
    );
}

test('bundles of one stream classify images, in any order, to the logits of the plain network', async () => {
  const client = server.client();
  const [first, second] = await client.prepare(2);
  for (const bundle of [second, first]) {
    const image = randomImage(network.card);
    assertClose(await client.classify(bundle, image), runInteger(network, image, () => 0).logits);
  }
});

test('two clients prepare and classify at the same time', async () => {
  const outcomes = [server.client(), server.client()].map(async (client) => {
    const [bundle] = await client.prepare();
    const image = randomImage(network.card);
    assertClose(await client.classify(bundle, image), runInteger(network, image, () => 0).logits);
  });
  await Promise.all(outcomes);
});

test('the server lists its models and shows their cards, which hold no weights', async () => {
  const client = server.client();
  const { models } = await client.unary<{ models: { name: string; quote: { offlineBytes: number } }[] }>(
    (metadata, done) =>
      client.connection.listModels({}, metadata, { deadline: Date.now() + 5000 }, done as never),
  );
  assert.deepEqual(
    models.map(({ name }) => name),
    [network.card.name],
  );
  const { up, down } = client.plan.offlineBytes;
  assert.equal(models[0].quote.offlineBytes, up + down);
  const answer = await client.unary<{ cardJson: string; planHash: string }>((metadata, done) =>
    client.connection.getModelCard(
      { model: network.card.name },
      metadata,
      { deadline: Date.now() + 5000 },
      done as never,
    ),
  );
  assert.deepEqual(JSON.parse(answer.cardJson), JSON.parse(JSON.stringify(network.card)));
  assert.equal(answer.planHash, client.plan.hash);
  await assert.rejects(
    client.unary((metadata, done) =>
      client.connection.getModelCard(
        { model: 'nothing' },
        metadata,
        { deadline: Date.now() + 5000 },
        done as never,
      ),
    ),
    { code: 'model/unknown' },
  );
});
