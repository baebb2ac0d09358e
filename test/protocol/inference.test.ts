import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { runInteger } from '../../model/executor.ts';
import { assertPlanBytes, carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { randomImage } from '../support/card-image.ts';

const network = randomModel({ C: 2, D: 3, reduceAt: [0, 1], size: 16 });

test('private logits equal the integer executor bit for bit, given the carries of the run', async () => {
  const prepared = await prepare(network, 3);
  for (const preparation of prepared) {
    const image = randomImage(network.card);
    const inference = await infer(network, preparation, image);
    const reference = runInteger(
      network,
      image,
      carriesOf(network, preparation, inference),
      errorsOf(network, preparation),
    );
    assert.deepEqual(inference.logits, reference.logits);
  }
});

test('the bytes on the wire and in the bundle are those of the plan', async () => {
  for (const preparation of await prepare(network, 2))
    assertPlanBytes(preparation, await infer(network, preparation, randomImage(network.card)));
});
