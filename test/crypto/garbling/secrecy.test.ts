import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { GADGET_CHUNK, gadgetBytes } from '../../../crypto/garbling/gadget.ts';
import { garble } from '../../../crypto/garbling/garble.ts';
import { outputMasks, serverLabels } from '../../../crypto/garbling/online.ts';
import { BlockCipher } from '../../../crypto/node/block-cipher.ts';
import { deriveSeed, randomSeed } from '../../../crypto/prg.ts';
import { sigma, toBlocks } from '../../support/block-reference.ts';
import { freshKeys, randomBlock, randomDelta, randomWords, relu, rescale, run } from './gadget-run.ts';

/** All (key, block) pairs that `body` gives to AES. A key is known by what it makes of the block 0. */
function aesCalls(body: () => void): { key: bigint; block: bigint }[] {
  const calls: { key: bigint; block: bigint }[] = [];
  const { encrypt } = BlockCipher.prototype;
  const spy = mock.method(
    BlockCipher.prototype,
    'encrypt',
    function (this: BlockCipher, input: Uint8Array, output: Uint8Array) {
      const zero = new Uint8Array(16);
      encrypt.call(this, zero, zero);
      const [key] = toBlocks(zero);
      for (const block of toBlocks(input)) calls.push({ key, block });
      encrypt.call(this, input, output);
    },
  );
  try {
    body();
  } finally {
    spy.mock.restore();
  }
  return calls;
}

const name = ({ key, block }: { key: bigint; block: bigint }) => `${key}/${block}`;

test('no AES key meets a block twice, over the chunks and layers of a bundle and over bundles', () => {
  // Equal labels and one delta everywhere, as no honest garbler would use them: the first gate's hash inputs
  // are then the bare tweaks, and only tweaks and keys can tell calls apart.
  const delta = randomDelta();
  for (const gadget of [relu(5, 4), relu(4, 4, 1), rescale(4)]) {
    const zero = (count: number) => new Uint8Array(16 * gadgetBytes(gadget).labels * count);
    const calls = aesCalls(() => {
      for (const nonce of [randomBlock(), randomBlock()])
        for (const layer of [0, 1, 2]) {
          const keys = { seed: randomSeed(), delta, nonce, layer };
          for (const [first, count] of [
            [0, 64],
            [64, 64],
            [128, 7],
          ])
            garble(gadget, keys, first, count, zero(count));
        }
    });
    assert.equal(new Set(calls.map(name)).size, calls.length);
  }
});

test('the same chunk under another nonce or another layer shares no AES key', () => {
  const seed = randomSeed();
  const nonce = randomBlock();
  const hashKeys = (keys: ReturnType<typeof freshKeys>) => {
    const calls = aesCalls(() => garble(relu(6, 4), keys, 0, 2, new Uint8Array(16 * 6 * 2)));
    return new Set(calls.map(({ key }) => key));
  };
  const [one, ...others] = [
    freshKeys(seed, nonce, 0),
    freshKeys(deriveSeed(seed, 'layer'), nonce, 1),
    freshKeys(deriveSeed(seed, 'bundle'), randomBlock(), 0),
  ].map(hashKeys);
  for (const other of others) assert.ok(![...other].some((key) => one.has(key)));
});

test('the evaluator never meets two labels of a wire: nothing it receives or hashes differs by delta', () => {
  for (const gadget of [relu(7, 4), relu(6, 4, 1), rescale(4)]) {
    const count = 100;
    const { keys, tables, labels, online, open } = run(gadget, new Int32Array(count), randomWords(count));
    const [delta] = toBlocks(keys.delta);
    const received = [tables, labels, online].flatMap(toBlocks);
    const seen = new Set(received);
    assert.equal(seen.size, received.length);
    for (const block of received) assert.ok(!seen.has(block ^ delta));
    const calls = aesCalls(() => open());
    const hashed = new Set(calls.map(name));
    const steps = [sigma(delta), sigma(sigma(delta)), sigma(delta) ^ sigma(sigma(delta))];
    for (const { key, block } of calls)
      for (const step of steps) assert.ok(!hashed.has(name({ key, block: block ^ step })));
  }
});

test('the evaluator opens masked words: equal outputs look different and spread evenly', () => {
  for (const gadget of [relu(12, 8), rescale(8)]) {
    const { opened, output } = run(
      gadget,
      new Int32Array(GADGET_CHUNK).fill(51200),
      randomWords(GADGET_CHUNK),
    );
    assert.ok(output.every((y) => y === 200 || y === 201));
    const tops = new Array<number>(16).fill(0);
    for (const word of opened) tops[word >>> 28]++;
    const mean = GADGET_CHUNK / 16;
    for (const top of tops) assert.ok(Math.abs(top - mean) < 9 * Math.sqrt(mean));
    assert.ok(new Set(opened).size > GADGET_CHUNK - 10);
  }
});

test('chunks, layers and bundles have masks of their own', () => {
  const [seed, nonce] = [randomSeed(), randomBlock()];
  const words = [
    ...[0, 100, 200].map((first) => outputMasks(freshKeys(seed, nonce), first, 100)),
    outputMasks(freshKeys(deriveSeed(seed, 'layer'), nonce, 1), 0, 100),
    outputMasks(freshKeys(), 0, 100),
  ].flatMap((masks) => [...masks]);
  assert.ok(new Set(words).size > words.length - 5);
});

test("a wrong label of either party opens nothing: not the output, nor another of the function's", () => {
  for (const gadget of [relu(12, 8), relu(9, 8, 1), rescale(8)]) {
    const count = 500;
    const { labels, online, open, remove, output } = run(
      gadget,
      new Int32Array(count).fill(20_000),
      randomWords(count),
    );
    const flipped = (held: Uint8Array, byte: number) =>
      held.map((value, i) => (i % 16 === byte ? value ^ 64 : value));
    for (const opened of [
      open(flipped(labels, 5)),
      open(flipped(labels, 0)),
      open(labels, flipped(online, 5)),
      open(labels, flipped(online, 0)),
      open(labels.map(() => 0)),
    ]) {
      const wrong = remove(opened);
      assert.ok(wrong.filter((y) => Math.abs(y) < 2 ** 12).length < 5);
      assert.ok(wrong.filter((y, e) => y === output[e]).length < 5);
    }
  }
});

test('why delta must stay secret: with it, the evaluator could flip any bit of its input', () => {
  const gadget = relu(8, 0);
  const x = new Int32Array(50).fill(5);
  const { keys, labels, open, remove } = run(gadget, x, new Uint32Array(50));
  const lowest = labels.map((byte, i) => (i < 16 * 50 ? byte ^ keys.delta[i % 16] : byte));
  assert.deepEqual(remove(open(lowest)), new Int32Array(50).fill(6));
});

test('the colours of the online labels say nothing about the digits', () => {
  for (const gadget of [relu(4, 0), relu(3, 0, 1), rescale(0)])
    for (const value of [0, 0b0110, 2 ** 32 - 1]) {
      const bits = gadget.kind === 'relu' ? gadget.digitBits : 1;
      const sent = serverLabels(
        gadget,
        freshKeys(),
        0,
        GADGET_CHUNK,
        new Uint32Array(GADGET_CHUNK).fill(value),
      );
      for (let start = 0; start < sent.length; start += 16 * GADGET_CHUNK) {
        const counts = new Array<number>(2 ** bits).fill(0);
        for (let e = 0; e < GADGET_CHUNK; e++) counts[sent[start + 16 * e] & (2 ** bits - 1)]++;
        const mean = GADGET_CHUNK / counts.length;
        for (const count of counts) assert.ok(Math.abs(count - mean) < 9 * Math.sqrt(mean));
      }
    }
});
