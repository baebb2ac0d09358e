import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInteger } from '../../model/executor.ts';
import { randomModel } from '../../model/random.ts';
import { makePlan } from '../../protocol/plan.ts';
import { randomImage } from './images.ts';
import { carriesOf, errorsOf, infer, prepare } from './rehearsal.ts';

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
  const plan = makePlan(network.card);
  const [preparation] = await prepare(network);
  const total = (segments: readonly { data: Uint8Array }[]) =>
    segments.reduce((sum, { data }) => sum + data.length, 0);
  assert.equal(total(preparation.serverReceived), plan.offlineBytes.up);
  assert.equal(total(preparation.clientReceived), plan.offlineBytes.down);
  assert.equal(preparation.bundle.length, plan.bundleBytes);
  const inference = await infer(network, preparation, randomImage(network.card));
  assert.equal(total(inference.serverReceived), plan.onlineBytes.up);
  assert.equal(total(inference.clientReceived), plan.onlineBytes.down);
});
