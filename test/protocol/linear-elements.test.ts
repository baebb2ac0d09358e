import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GADGET_CHUNK } from '../../crypto/garbling/gadget.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { countFlags } from '../../model/element-bitmap.ts';
import { runInteger } from '../../model/executor.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { elementOrder, inOrder, putBack } from '../../protocol/element-order.ts';
import type { LabelEncoding } from '../../protocol/label-encoding.ts';
import { makePlan } from '../../protocol/plan.ts';
import { assertPlanBytes, carriesOf, errorsOf, infer, prepare } from '../support/both-roles.ts';
import { randomImage } from '../support/card-image.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

/** One inference: its logits are the integer executor's, its bytes the plan's. Returns how many activations are negative. */
async function rehearse(network: FixedNetwork, setting: LabelEncoding = 'fast'): Promise<number> {
  const [preparation] = await prepare(network, 1, setting);
  const image = randomImage(network.card);
  const inference = await infer(network, preparation, image);
  const { logits, tensors } = runInteger(
    network,
    image,
    carriesOf(network, preparation, inference),
    errorsOf(network, preparation),
  );
  assert.deepEqual(inference.logits, logits);
  assertPlanBytes(preparation, inference);
  return tensors.slice(1).reduce((sum, tensor) => sum + tensor.filter((value) => value < 0).length, 0);
}

test('networks with linear elements: private logits are the executor’s bit for bit, bytes are the plan’s', async () => {
  let negative = 0;
  const property = fc.asyncProperty(
    fc.nat(2 ** 30),
    fc.constantFrom(0.25, 0.5, 0.9, 1),
    fc.constantFrom<LabelEncoding>('fast', 'lean'),
    async (seed, share, setting) => {
      negative += await rehearse(randomSmallNetwork(seed, 3, share), setting);
    },
  );
  await fc.assert(property, { numRuns: 12 });
  assert.ok(negative > 0, 'signs came through');
});

test('layers of several chunks of either gadget', async () => {
  const network = randomModel({ C: 6, D: 2, reduceAt: [0], size: 32, classes: 5, linear: 0.5 });
  for (const { chunks } of makePlan(network.card).layers.slice(0, -1))
    assert.deepEqual(
      chunks.map(({ first, count, gadget }) => [first, count, gadget.kind]),
      [
        [0, GADGET_CHUNK, 'relu'],
        [GADGET_CHUNK, 1024, 'relu'],
        [3072, GADGET_CHUNK, 'rescale'],
        [3072 + GADGET_CHUNK, 1024, 'rescale'],
      ],
    );
  assert.ok((await rehearse(network)) > 0);
});

test('every element of a layer is in one chunk, under an index of its own', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, share) => {
      const { card } = randomSmallNetwork(seed, 2, share);
      for (const [l, { elements, order, chunks }] of makePlan(card).layers.slice(0, -1).entries()) {
        let next = 0;
        for (const { first, count } of chunks) {
          assert.equal(first, next);
          next += count;
        }
        assert.equal(next, elements);
        const taken = order ? [...order] : [...Array(elements).keys()];
        assert.deepEqual(
          taken.toSorted((a, b) => a - b),
          [...Array(elements).keys()],
        );
        assert.equal(order === null, card.layers[l].linear === null);
      }
    }),
    { numRuns: 10 },
  );
});

test('the order takes ReLUs before linear elements before squares, each ascending, and can be undone run by run', () => {
  const kinds = fc.uint8Array({ min: 0, max: 2, minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(kinds, fc.nat(40), (kinds, cut) => {
      const flags = (kind: number) => kinds.map((own) => Number(own === kind));
      const order = elementOrder(flags(1), flags(2));
      assert.equal(elementOrder(null, null), null);
      assert.deepEqual(elementOrder(flags(1), null), elementOrder(flags(1), flags(3)));
      assert.deepEqual(elementOrder(null, flags(2)), elementOrder(flags(3), flags(2)));
      const of = (kind: number) => [...kinds.keys()].filter((element) => kinds[element] === kind);
      assert.deepEqual([...(order ?? [])], [...of(0), ...of(1), ...of(2)]);
      const values = Uint32Array.from(kinds, (_, i) => 1000 + i);
      for (const either of [order, null]) {
        const ordered = inOrder(values, either);
        const back = new Uint32Array(values.length);
        putBack(back, ordered.subarray(0, cut), 0, either);
        putBack(back, ordered.subarray(cut), Math.min(cut, values.length), either);
        assert.deepEqual(back, values);
      }
    }),
  );
});

const SHAPE = { C: 2, D: 3, reduceAt: [0, 1], size: 16 };

for (const [setting, tables, online] of [
  ['fast', 1064, 96],
  ['lean', 488, 192],
] as const)
  test(`${setting}: an element that becomes linear saves all of its ReLU's bytes but 32 and 20`, () => {
    const costs = [0, 0.5, 1].map((linear) => {
      const plan = makePlan(randomModel({ ...SHAPE, linear }).card, setting);
      const count = plan.card.layers.reduce((sum, layer) => sum + countFlags(layer.linear), 0);
      return { count, ...plan };
    });
    const [all] = costs;
    assert.equal(all.count, 0);
    for (const { count, offlineBytes, onlineBytes, bundleBytes, card } of costs.slice(1)) {
      assert.equal(card.relus, all.card.relus - count);
      // The circuit against a table of 16 bytes; labels, which the client stores, are 12 against one.
      assert.equal(all.offlineBytes.down - offlineBytes.down, count * (tables - 16));
      assert.equal(all.bundleBytes - bundleBytes, count * (11 * 16 + tables - 16));
      // 4 bytes per transfer: all chunks here hold a multiple of 128 elements.
      assert.equal(all.offlineBytes.up - offlineBytes.up, count * 4 * (12 - 1));
      assert.equal(all.onlineBytes.down - onlineBytes.down, count * (online - 16));
      assert.equal(all.onlineBytes.up, onlineBytes.up);
    }
  });

test('the mask is part of the plan’s hash, and costs a network without one nothing', () => {
  const { card } = randomModel({ ...SHAPE, linear: 0.5 });
  const other = randomModel({ ...SHAPE, linear: 0.5, seed: 2 }).card;
  const swapped = card.layers.map((layer, l) => ({ ...layer, linear: other.layers[l].linear }));
  assert.notEqual(makePlan({ ...card, layers: swapped }).hash, makePlan(card).hash);
  const plain = makePlan(randomModel(SHAPE).card);
  for (const { order } of plain.layers) assert.equal(order, null);
});
