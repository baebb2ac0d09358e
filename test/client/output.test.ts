import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareImage } from '../../client/node/image.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { quantizeImage, stochasticRange } from '../../model/executor.ts';
import { withOutput } from '../../model/network.ts';
import { ModelRegistry } from '../../server/models.ts';
import { image, newClient } from '../support/connected.ts';
import { network, runningServer } from '../support/running-server.ts';

const { card } = network;
const input = quantizeImage(card, await prepareImage(image, card));
const { mean, deviation } = stochasticRange(network, input, 64, seededRandom(1));

/** Whether `classes` can be the likeliest ones in order, whichever way the private run rounded. */
function mayLead(classes: readonly number[]): boolean {
  const rest = new Set(mean.keys());
  return classes.every((index) => {
    rest.delete(index);
    return [...rest].every(
      (other) => mean[index] + 8 * deviation[index] >= mean[other] - 8 * deviation[other],
    );
  });
}

for (const [output, count] of [
  ['label', 1],
  ['top-3', 3],
] as const)
  test(`a server that gives ${output} tells classes without probabilities, and no logits`, async () => {
    const server = await runningServer({ output });
    const client = await newClient({}, `127.0.0.1:${server.port}`);
    assert.equal((await client.modelCard()).output, output);
    const { top, logits, bytes, rounds } = await client.classify(image, { topK: 5, prepare: true });
    assert.equal(top.length, count);
    assert.ok(mayLead(top.map(({ index }) => index)));
    for (const { index, label, p } of top) assert.deepEqual([label, p], [card.labels[index], null]);
    assert.equal(logits.length, 0);
    assert.equal(rounds, card.layers.length);
    assert.ok(bytes.online.down > 0);
    const [first] = (await client.classify(image, { topK: 1, prepare: true })).top;
    assert.ok(mayLead([first.index]));
  });

test('a network in memory says itself what clients learn, unless the server does', async () => {
  const models = [withOutput(network, 'top-2')];
  const own = await runningServer({ models });
  const client = await newClient({}, `127.0.0.1:${own.port}`);
  assert.equal((await client.modelCard()).output, 'top-2');
  const overridden = await runningServer({ models, output: 'logits' });
  const other = await newClient({}, `127.0.0.1:${overridden.port}`);
  assert.equal((await other.modelCard()).hash, card.hash);
});

test('an output of more classes than the model has keeps the server from starting', async () => {
  await assert.rejects(runningServer({ output: 'top-11' }), { code: 'model/format', message: /top-10/ });
});

test('a folder may have an output of its own beside the server’s', async () => {
  const path = join(import.meta.dirname, '..', '..', 'model-zoo', 'sphynx-c100-13k-snl');
  const { all } = await ModelRegistry.load([{ path, output: 'label' }, network], { output: 'top-2' });
  assert.deepEqual(
    all.map(({ summary, network: { card } }) => [summary.output, card.output]),
    [
      ['top-2', 'top-2'],
      ['label', 'label'],
    ],
  );
});
