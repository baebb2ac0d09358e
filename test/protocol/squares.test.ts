import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GADGET_CHUNK } from '../../crypto/garbling/gadget.ts';
import { BLOCK_TRANSFERS } from '../../crypto/ot/correlated-ot.ts';
import { SEED_BYTES } from '../../crypto/prg.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { countFlags, flagsOf } from '../../model/element-bitmap.ts';
import { runInteger } from '../../model/executor.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { withOutput } from '../../model/network.ts';
import type { LabelEncoding } from '../../protocol/label-encoding.ts';
import { squareMask } from '../../protocol/masks.ts';
import { chunkTransfers, makePlan, needsDelta } from '../../protocol/plan.ts';
import { assertPlanBytes, carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { randomImage } from '../support/card-image.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

/** One inference: its logits are the integer executor's, its bytes the plan's. */
async function rehearse(network: FixedNetwork, setting: LabelEncoding = 'fast'): Promise<void> {
  const [preparation] = await prepare(network, 1, setting);
  const image = randomImage(network.card);
  const inference = await infer(network, preparation, image);
  const { logits } = runInteger(
    network,
    image,
    carriesOf(network, preparation, inference),
    errorsOf(network, preparation),
  );
  assert.deepEqual(inference.logits, logits);
  assertPlanBytes(preparation, inference);
}

const SHARES = [
  [0, 0.5],
  [0, 1],
  [0.3, 0.4],
  [0.5, 0.5],
  [0.1, 0.05],
] as const;

test('networks with squares: private logits are the executor’s bit for bit, bytes are the plan’s', async () => {
  const property = fc.asyncProperty(
    fc.nat(2 ** 30),
    fc.constantFrom(...SHARES),
    fc.constantFrom<LabelEncoding>('fast', 'lean'),
    (seed, [linear, square], setting) => rehearse(randomSmallNetwork(seed, 3, linear, square), setting),
  );
  await fc.assert(property, { numRuns: 15 });
});

test('channels in which squares stand beside ReLUs and linear elements have all three in the tests above', () => {
  const { card } = randomModel({ C: 2, D: 2, reduceAt: [0], size: 16, linear: 0.3, square: 0.4 });
  for (const { output, linear, squares } of card.layers.slice(0, -1)) {
    const count = output.channels * output.height * output.width;
    const [passed, squared] = [linear, squares!.elements].map((bitmap) => flagsOf(bitmap, count)!);
    const area = output.height * output.width;
    const kinds = new Set(Array.from({ length: area }, (_, i) => passed[i] + 2 * squared[i]));
    assert.equal(kinds.size, 3);
  }
});

test('layers of several chunks of each gadget', async () => {
  const network = randomModel({ C: 9, D: 1, reduceAt: [], size: 32, classes: 5, linear: 0.3, square: 0.4 });
  const [{ chunks, elements }] = makePlan(network.card).layers;
  for (const kind of ['relu', 'rescale', 'square'])
    assert.ok(chunks.filter(({ gadget }) => gadget.kind === kind).length > 1, kind);
  assert.equal(
    chunks.reduce((sum, { count }) => sum + count, 0),
    elements,
  );
  assert.ok(chunks.every(({ count }) => count <= GADGET_CHUNK));
  const transfers = chunks.filter(({ gadget }) => gadget.kind === 'square').map(chunkTransfers);
  assert.ok(Math.max(...transfers) > 0.9 * BLOCK_TRANSFERS && Math.max(...transfers) <= BLOCK_TRANSFERS);
  await rehearse(network);
});

test('the likeliest class is opened behind squares too', async () => {
  const network = withOutput(
    randomModel({ C: 2, D: 2, reduceAt: [0], size: 8, classes: 6, square: 1 }),
    'label',
  );
  const [preparation] = await prepare(network);
  const image = randomImage(network.card);
  const inference = await infer(network, preparation, image);
  const { logits } = runInteger(
    network,
    image,
    carriesOf(network, preparation, inference),
    errorsOf(network, preparation),
  );
  assert.deepEqual(inference.classes, [logits.indexOf(Math.max(...logits))]);
});

test('a square costs 20 bytes down and 8 up online, 218 offline, and 36 that the client keeps', () => {
  const shape = { C: 2, D: 3, reduceAt: [0, 1], size: 16 };
  const [linear, squared] = [{ linear: 1 }, { square: 1 }].map((kinds) =>
    makePlan(randomModel({ ...shape, ...kinds }).card),
  );
  const count = linear.tensorElements.slice(1).reduce((sum, elements) => sum + elements, 0);
  assert.equal(squared.card.relus, 0);
  assert.equal(
    squared.card.layers.reduce((sum, { squares }) => sum + countFlags(squares?.elements ?? null), 0),
    count,
  );
  // Beside a linear element, which costs 16 down and 4 up online; 16 down and 4 up offline; and 32 that are kept.
  assert.equal(squared.onlineBytes.down - linear.onlineBytes.down, 4 * count);
  assert.equal(squared.onlineBytes.up - linear.onlineBytes.up, 4 * count);
  assert.equal(squared.offlineBytes.down - linear.offlineBytes.down, 70 * count);
  assert.equal(squared.offlineBytes.up - linear.offlineBytes.up, 4 * 32 * count);
  assert.equal(squared.bundleBytes - linear.bundleBytes, 4 * count);
  assert.ok(needsDelta(squared));
});

test('squares are part of the plan’s hash: which elements, their bits and the shift beside them', () => {
  const { card } = randomModel({ C: 2, D: 2, reduceAt: [0], size: 16, square: 0.5 });
  const [first, ...rest] = card.layers;
  const other = randomModel({ C: 2, D: 2, reduceAt: [0], size: 16, square: 0.5, seed: 2 }).card.layers[0];
  const hashes = [
    first.squares!,
    other.squares!,
    { ...first.squares!, dropBits: 17 },
    { ...first.squares!, shiftBits: 2 },
  ].map((squares) => makePlan({ ...card, layers: [{ ...first, squares }, ...rest] }).hash);
  assert.equal(new Set(hashes).size, hashes.length);
});

test('every chunk, layer and bundle has masks r of its own, apart from those of tensors', () => {
  const seeds = [new Uint8Array(SEED_BYTES), new Uint8Array(SEED_BYTES).fill(1)];
  const masks = seeds.flatMap((seed) =>
    [0, 1].flatMap((layer) => [0, 2048].map((first) => squareMask(seed, layer, { first, count: 8 }).join())),
  );
  assert.equal(new Set(masks).size, 8);
});
