import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { runInteger } from '../../model/executor.ts';
import { type FixedNetwork, withOutput } from '../../model/network.ts';
import type { Output } from '../../model/output.ts';
import type { LabelEncoding } from '../../protocol/label-encoding.ts';
import { argmaxChunk, makePlan } from '../../protocol/plan.ts';
import { assertPlanBytes, bytesOf, carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { randomImage } from '../support/card-image.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

/** Classes in the order of their logits, of equal ones the first. */
function ranking(logits: Int32Array): number[] {
  return [...logits.keys()].sort((i, j) => logits[j] - logits[i] || i - j);
}

/** One inference: its classes are those of the integer executor's logits, its bytes the plan's. */
async function rehearse(network: FixedNetwork, classes: number, setting?: LabelEncoding): Promise<void> {
  const [preparation] = await prepare(network, 1, setting);
  const image = randomImage(network.card);
  const inference = await infer(network, preparation, image);
  const { logits } = runInteger(
    network,
    image,
    carriesOf(network, preparation, inference),
    errorsOf(network, preparation),
  );
  assert.deepEqual(inference.classes, ranking(logits).slice(0, classes));
  assert.equal(inference.logits.length, 0);
  assert.equal(bytesOf(inference.clientReceived, 'logit-share').length, 0);
  assertPlanBytes(preparation, inference);
}

test('the client learns the likeliest classes of the executor’s logits, in their order, and no logit', async () => {
  const property = fc.asyncProperty(
    fc.nat(2 ** 30),
    fc.nat(20),
    fc.constantFrom<LabelEncoding>('fast', 'lean'),
    async (seed, more, setting) => {
      const network = randomSmallNetwork(seed, 2);
      // A single number has no classes.
      fc.pre(network.card.labels.length > 1);
      const classes = 1 + (more % network.card.labels.length);
      const output: Output = classes === 1 ? 'label' : `top-${classes}`;
      await rehearse(withOutput(network, output), classes, setting);
    },
  );
  await fc.assert(property, { numRuns: 12 });
});

test('of a hundred classes, whose labels fill several segments', async () => {
  const network = randomModel({ C: 2, D: 2, reduceAt: [0], size: 8 });
  await rehearse(withOutput(network, 'top-5'), 5);
});

test('one session prepares several bundles', async () => {
  const network = withOutput(randomSmallNetwork(5, 2), 'label');
  for (const preparation of await prepare(network, 3)) {
    const image = randomImage(network.card);
    const inference = await infer(network, preparation, image);
    const { logits } = runInteger(
      network,
      image,
      carriesOf(network, preparation, inference),
      errorsOf(network, preparation),
    );
    assert.deepEqual(inference.classes, ranking(logits).slice(0, 1));
  }
});

test('classes in place of logits cost no round: online, the last message alone grows', () => {
  const network = randomModel({ C: 2, D: 2, reduceAt: [0], size: 16 });
  const [logits, label] = [network, withOutput(network, 'label')].map(({ card }) => makePlan(card));
  assert.equal(label.rounds, logits.rounds);
  assert.equal(label.onlineBytes.up, logits.onlineBytes.up);
  assert.equal(label.onlineBytes.down - logits.onlineBytes.down, 100 * (32 * 16 - 4) + 7);
  assert.equal(label.bundleBytes - logits.bundleBytes, 100 * 32 * 16 + argmaxChunk(label)!.bytes.tables);
  assert.equal(label.offlineBytes.up - logits.offlineBytes.up, 4 * 32 * 100 + 512 + 40);
});

test('what the client learns is part of the hashes of model and plan', () => {
  const network = randomSmallNetwork(1, 2);
  const outputs: Output[] = ['logits', 'label', 'top-2', 'top-3'];
  const cards = outputs.map((output) => withOutput(network, output).card);
  assert.equal(cards[0].hash, network.card.hash);
  assert.equal(new Set(cards.map(({ hash }) => hash)).size, outputs.length);
  const plans = cards.map((card) => makePlan({ ...card, hash: network.card.hash }).hash);
  assert.equal(new Set(plans).size, outputs.length);
});
