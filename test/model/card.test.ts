import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { parseModelCard } from '../../model/card.ts';
import { bitmapOf, countFlags, flagsOf, isBitmap } from '../../model/element-bitmap.ts';
import { assembleNetwork, networkHash } from '../../model/network.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

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
      const text = JSON.stringify(randomSmallNetwork(seed, 3, (seed & 3) / 3).card);
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
  'no format': (card) => delete card.format,
  'an input of no kind': (card) => (card.inputKind = 'film'),
  'a vector with a map': (card) => (card.inputKind = 'vector'),
  'an unknown head': (card) => (card.head = 'argmax'),
  'a sigmoid of ten logits': (card) => (card.head = 'sigmoid'),
  'the likeliest of labels that apply by themselves': (card) => {
    card.head = 'multi-label';
    card.output = 'label';
  },
  'scales measured on nothing': (card) => (card.calibration = ''),
  'too few scales of the input': (card) => card.preprocessing.scaleBits.pop(),
  'a scale of the input without end': (card) => (card.preprocessing.scaleBits[0] = 1e6),
  'a scale of the input that is a fraction': (card) => (card.preprocessing.scaleBits[0] = 0.5),
  'a limit of zero': (card) => (card.preprocessing.limit = 0),
  'no limit at all': (card) => delete card.preprocessing.limit,
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
  'a stride of zero': (card) => (card.layers[0].terms[0].strideX = 0),
  'groups that do not divide the channels': (card) => (card.layers[0].terms[0].groups = 7),
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
  'fewer bits to drop than errors take': (card) => (card.layers[0].gadget.dropBits = 5),
  'a middle layer without a ReLU': (card) => (card.layers[0].gadget = null),
  'a middle layer whose ReLU is missing': (card) => delete card.layers[0].gadget,
  'a last layer with a ReLU': (card) => (card.layers.at(-1).gadget = card.layers[0].gadget),
  'another count of ReLUs': (card) => card.relus++,
  'another count of products': (card) => card.macs--,
  'a scale beyond a word': (card) => (card.logitScaleBits = 31),
};

for (const [what, change] of Object.entries(hostile)) {
  test(`a card is refused that has ${what}`, () => {
    assert.throws(() => parseModelCard(changed(change)), { code: 'model/format' });
  });
}

test('a card of another version says what to do', () => {
  for (const format of [1, 2, 5, '3'])
    assert.throws(() => parseModelCard(changed((card) => (card.format = format))), {
      code: 'model/format',
      message: /expected 3 or 4, got .*update the older one/,
    });
});

test('an output is logits where none is given, or classes of which there are enough', () => {
  const outputs = (output: unknown) =>
    parseModelCard(changed((card) => Object.assign(card, { output }))).output;
  assert.equal(outputs(undefined), 'logits');
  for (const output of ['logits', 'label', 'top-2', 'top-10']) assert.equal(outputs(output), output);
  for (const output of ['top-1', 'top-0', 'top-11', 'top-02', 'top-2 ', 'Label', '', 1, {}, ['label']])
    assert.throws(() => outputs(output), { code: 'model/format', message: /output/ }, String(output));
});

const masked = randomModel({ C: 1, D: 3, reduceAt: [0], size: 6, classes: 10, linear: 0.5 });

/** The masked card with other linear elements in layer 0, its count of ReLUs corrected for `linear` of them. */
function relinearized(bitmap: unknown, linear: number): Json {
  const card = JSON.parse(JSON.stringify(masked.card));
  card.relus += countFlags(card.layers[0].linear) - linear;
  card.layers[0].linear = bitmap;
  return card;
}

/** 36 elements take 5 bytes, whose last has 4 bits of padding. */
const bitmap36 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

test('a card counts the elements that have a ReLU, and a layer may have none', () => {
  assert.equal(masked.card.relus, 3 * 18);
  const one = parseModelCard(relinearized(bitmap36(0, 1, 0, 0, 0), 1));
  assert.equal(one.relus, 2 * 18 + 35);
  assert.deepEqual([...(flagsOf(one.layers[0].linear, 36) ?? [])].indexOf(1), 8);
  assert.equal(parseModelCard(relinearized(bitmap36(255, 255, 255, 255, 15), 36)).relus, 2 * 18);
  assert.equal(parseModelCard(relinearized(null, 0)).relus, 2 * 18 + 36);
  assert.equal(parseModelCard(relinearized(undefined, 0)).layers[0].linear, null);
});

const squared = randomModel({ C: 1, D: 3, reduceAt: [0], size: 6, classes: 10, linear: 0.25, square: 0.5 });

/** The card with squares, changed. */
function changedSquares(change: (card: Json) => unknown): Json {
  const card = JSON.parse(JSON.stringify(squared.card));
  change(card);
  return card;
}

test('a card with squares has format 4, counts ReLUs without them and survives JSON', () => {
  assert.equal(squared.card.format, 4);
  assert.equal(squared.card.relus, 3 * 9);
  assert.deepEqual(parseModelCard(JSON.parse(JSON.stringify(squared.card))), squared.card);
  assert.equal(masked.card.format, 3);
  const without = parseModelCard(
    changedSquares((card) => {
      for (const layer of card.layers) delete layer.squares;
      Object.assign(card, { format: 3, relus: 3 * 27 });
    }),
  );
  assert.ok(without.layers.every(({ squares }) => squares === null));
});

const hostileSquares: Record<string, (card: Json) => unknown> = {
  'squares in format 3': (card) => (card.format = 3),
  'format 4 without squares': (card) => {
    for (const layer of card.layers) layer.squares = null;
    card.relus = 3 * 27;
  },
  'squares that are a bitmap alone': (card) => (card.layers[0].squares = card.layers[0].squares.elements),
  'squares without elements': (card) => delete card.layers[0].squares.elements,
  'an empty bitmap': (card) => (card.layers[0].squares.elements = bitmap36(0, 0, 0, 0, 0)),
  'a bitmap of more elements': (card) => (card.layers[0].squares.elements = bitmap36(1, 0, 0, 0, 0, 0)),
  'a bit beyond the elements': (card) => (card.layers[0].squares.elements = bitmap36(0, 0, 0, 0, 16)),
  'an element that is linear and a square': (card) =>
    (card.layers[0].linear = card.layers[0].squares.elements),
  'squares that drop too few bits': (card) => (card.layers[0].squares.dropBits = 5),
  'squares that drop too many bits': (card) => (card.layers[0].squares.dropBits = 29),
  'squares that drop half a bit': (card) => (card.layers[0].squares.dropBits = 8.5),
  'a negative shift': (card) => (card.layers[0].squares.shiftBits = -1),
  'a shift beyond the ring': (card) => (card.layers[0].squares.shiftBits = 32),
  'squares of the logits': (card) => (card.layers.at(-1).squares = card.layers[0].squares),
  'ReLUs counted with squares': (card) => (card.relus = 3 * 27),
};

for (const [what, change] of Object.entries(hostileSquares))
  test(`a card is refused that has ${what}`, () => {
    assert.throws(() => parseModelCard(changedSquares(change)), { code: 'model/format' });
  });

test('flags and their bitmap are the same, and no other text is that bitmap', () => {
  const flags = fc.uint8Array({ min: 0, max: 1, minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(flags, (linear) => {
      const bitmap = bitmapOf(linear);
      assert.equal(countFlags(bitmap), linear.filter((flag) => flag).length);
      if (bitmap === null) return assert.ok(!linear.includes(1));
      assert.deepEqual(flagsOf(bitmap, linear.length), linear);
      assert.ok(isBitmap(bitmap, linear.length));
      assert.ok(!isBitmap(bitmap, linear.length + 8));
      assert.ok(!isBitmap(` ${bitmap}`, linear.length));
      const last = linear.lastIndexOf(1);
      assert.ok(!isBitmap(bitmap, last), 'a flag beyond the elements');
    }),
  );
});

const hostileBitmaps: Record<string, [unknown, number]> = {
  'flags in their padding': [bitmap36(1, 0, 0, 0, 16), 1],
  'no flag set': [bitmap36(0, 0, 0, 0, 0), 0],
  'a byte too few': [bitmap36(1, 0, 0, 0), 1],
  'a byte too many': [bitmap36(1, 0, 0, 0, 0, 0), 1],
  'no bytes': ['', 0],
  'no padding of the text': [bitmap36(1, 0, 0, 0, 0).slice(0, -1), 1],
  'bits behind the last byte': ['AQAAAAB=', 1],
  'letters outside the alphabet': ['AQ-_AAA=', 1],
  'spaces instead of letters': ['AQAA    ', 1],
  'another type': [[1], 1],
  'a number': [1, 1],
};

for (const [what, [bitmap, linear]] of Object.entries(hostileBitmaps))
  test(`a card is refused whose bitmap of linear elements has ${what}`, () => {
    const message = /card\.layers\[0\]\.linear/;
    assert.throws(() => parseModelCard(relinearized(bitmap, linear)), { code: 'model/format', message });
  });

test('linear elements of the logits, and a count of ReLUs that includes linear ones, are refused', () => {
  const logits = relinearized(masked.card.layers[0].linear, 18);
  logits.layers.at(-1).linear = bitmap36(1, 0);
  assert.throws(() => parseModelCard(logits), {
    code: 'model/format',
    message: /linear elements of the logits/,
  });
  const wrong = relinearized(masked.card.layers[0].linear, 0);
  assert.throws(() => parseModelCard(wrong), { code: 'model/format', message: /number of ReLUs/ });
});

test('the hash covers which elements are linear, and that of a card without any is as if there were no such thing', () => {
  const flipped = relinearized(bitmap36(1, 0, 0, 0, 0), 1);
  assert.notEqual(networkHash(flipped, masked.layers), networkHash(masked.card, masked.layers));
  const card = JSON.parse(JSON.stringify(network.card));
  for (const layer of card.layers) {
    delete layer.linear;
    delete layer.squares;
  }
  assert.equal(networkHash(card, network.layers), network.card.hash);
});

test('anything that is not a card is refused with a typed error', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      assert.throws(() => parseModelCard(json), { code: 'model/format' });
    }),
  );
});

test('fields of a prototype do not count as fields of a card', () => {
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

test('kernels that do not fit the card are refused', () => {
  const { card, layers } = network;
  assert.throws(() => assembleNetwork(card, layers.slice(1)), { code: 'model/format' });
  const short = layers.map(({ kernels, bias }) => ({ kernels: kernels.map((k) => k.subarray(1)), bias }));
  assert.throws(() => assembleNetwork(card, short), { code: 'model/format' });
});
