import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseModelCard } from '../../model/card.ts';
import { assembleNetwork, networkHash } from '../../model/network.ts';
import { randomModel, randomSmallNetwork } from '../../model/random.ts';

const network = randomModel({ C: 2, D: 3, reduceAt: [0], size: 8, classes: 10 });

// biome-ignore lint/suspicious/noExplicitAny: hostile JSON has any shape
type Json = any;

/** The card as JSON from outside, after one change. */
function changed(change: (card: Json) => void): unknown {
  const card = JSON.parse(JSON.stringify(network.card));
  change(card);
  return card;
}

test('a card survives the way through JSON, byte for byte', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const text = JSON.stringify(randomSmallNetwork(seed).card);
      assert.equal(JSON.stringify(parseModelCard(JSON.parse(text))), text);
    }),
    { numRuns: 30 },
  );
});

test('unknown fields are dropped and the order of keys does not matter', () => {
  const shuffled = Object.fromEntries(Object.entries({ ...network.card, extra: 1 }).reverse());
  assert.equal(JSON.stringify(parseModelCard(shuffled)), JSON.stringify(network.card));
});

const hostile: Record<string, (card: Json) => void> = {
  'another format': (card) => (card.format = 2),
  'a name with a path': (card) => (card.name = '../weights'),
  'an endless name': (card) => (card.name = 'a'.repeat(1e6)),
  'a hash that is not one': (card) => (card.hash = 'g'.repeat(64)),
  'no input': (card) => delete card.input,
  'a fractional size': (card) => (card.input.height = 8.5),
  'an image of another size than the input': (card) => (card.preprocessing.width = 9),
  'an infinite mean': (card) => (card.preprocessing.mean[0] = Number.POSITIVE_INFINITY),
  'a mean that is text': (card) => (card.preprocessing.mean[0] = '0'),
  'a deviation of zero': (card) => (card.preprocessing.std[1] = 0),
  'too few means': (card) => card.preprocessing.mean.pop(),
  'a label with an escape sequence': (card) => (card.labels[0] = '\u001b[2Jcat'),
  'a label written backwards': (card) => (card.labels[0] = '\u202ecat'),
  'a missing label': (card) => card.labels.pop(),
  'labels that are no list': (card) => (card.labels = { length: 10 }),
  'no layers': (card) => (card.layers = []),
  'a million layers': (card) => (card.layers = new Array(1e6).fill(card.layers[0])),
  'a layer that is null': (card) => (card.layers[0] = null),
  'a layer without terms': (card) => (card.layers[1].terms = []),
  'a tensor from the future': (card) => (card.layers[0].terms[0].tensor = 1),
  'a negative tensor': (card) => (card.layers[0].terms[0].tensor = -1),
  'an unknown pool': (card) => (card.layers[0].terms[0].pool = 'max'),
  'a pooled term with a spatial kernel': (card) => (card.layers[0].terms[0].pool = 'sum'),
  'a stride of zero': (card) => (card.layers[0].terms[0].stride = 0),
  'negative padding': (card) => (card.layers[0].terms[0].padTop = -1),
  'padding beyond the kernel': (card) =>
    (card.layers[0].terms[0].padLeft = card.layers[0].terms[0].kernelWidth),
  'an output too high': (card) => (card.layers[1].output.height = 100),
  'a huge output': (card) => (card.layers[0].output.channels = 2 ** 40),
  'more elements than memory': (card) => {
    card.layers[0].output = { channels: 32_768, height: 512, width: 512 };
    card.layers[0].terms[0].padTop = card.layers[0].terms[0].kernelHeight - 1;
  },
  'a ring too small': (card) => (card.layers[0].gadget.ringBits = 1),
  'a ring too large': (card) => (card.layers[0].gadget.ringBits = 21),
  'more than 32 bits': (card) => (card.layers[0].gadget = { ringBits: 16, dropBits: 17 }),
  'no bits to drop': (card) => (card.layers[0].gadget.dropBits = 0),
  'a middle layer without a ReLU': (card) => (card.layers[0].gadget = null),
  'a middle layer whose ReLU is missing': (card) => delete card.layers[0].gadget,
  'a last layer with a ReLU': (card) => (card.layers.at(-1).gadget = card.layers[0].gadget),
  'a norm that is no power of two': (card) => (card.layers[0].weightNorm = 3000),
  'a norm of infinity': (card) => (card.layers[0].weightNorm = 1e308),
  'another count of ReLUs': (card) => card.relus++,
  'another count of products': (card) => card.macs--,
  'a scale beyond a word': (card) => (card.logitScaleBits = 31),
};

for (const [what, change] of Object.entries(hostile)) {
  test(`a card is refused that has ${what}`, () => {
    assert.throws(() => parseModelCard(changed(change)), { code: 'model/format' });
  });
}

test('anything that is no card is refused with a typed error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      assert.throws(() => parseModelCard(json), { code: 'model/format' });
    }),
  );
});

test('a prototype cannot lend a card its fields', () => {
  assert.throws(() => parseModelCard(Object.create(network.card)), { code: 'model/format' });
});

test('one weight or one public field changes the hash', () => {
  const { card, layers } = network;
  const kernel = layers[1].kernels[0].slice();
  kernel[7]++;
  const other = layers.map((layer, l) =>
    l === 1 ? { ...layer, kernels: [kernel, ...layer.kernels.slice(1)] } : layer,
  );
  const hashes = [
    networkHash(card, layers),
    networkHash(card, other),
    networkHash({ ...card, name: 'other' }, layers),
    networkHash({ ...card, logitScaleBits: 3 }, layers),
  ];
  assert.equal(hashes[0], card.hash);
  assert.equal(new Set(hashes).size, hashes.length);
});

test('the weight norm covers all terms of a layer and is a power of two', () => {
  for (const [l, { weightNorm }] of network.card.layers.entries()) {
    const { kernels, bias } = network.layers[l];
    const norms = Array.from(bias, (_, o) => {
      const rows = kernels.map((kernel) => {
        const depth = kernel.length / bias.length;
        return kernel.subarray(o * depth, (o + 1) * depth).reduce((sum, w) => sum + w * w, 0);
      });
      return Math.sqrt(rows.reduce((a, b) => a + b, 0));
    });
    const largest = Math.max(...norms);
    assert.ok(largest <= weightNorm && weightNorm < 2 * largest);
  }
});

test('kernels that do not fit the card are refused', () => {
  const { card, layers } = network;
  assert.throws(() => assembleNetwork(card, layers.slice(1)), { code: 'model/format' });
  const short = layers.map(({ kernels, bias }) => ({ kernels: kernels.map((k) => k.subarray(1)), bias }));
  assert.throws(() => assembleNetwork(card, short), { code: 'model/format' });
});
