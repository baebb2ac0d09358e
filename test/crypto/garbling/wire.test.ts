import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { clientBits, evaluate } from '../../../crypto/garbling/evaluate.ts';
import { GADGET_CHUNK, type Gadget, gadgetBytes } from '../../../crypto/garbling/gadget.ts';
import { garble } from '../../../crypto/garbling/garble.ts';
import { outputMasks, removeMask, serverLabels } from '../../../crypto/garbling/online.ts';
import { allKept, freshKeys, relu, rescale } from './gadget-run.ts';

test('an element costs what the published formula says', () => {
  assert.deepEqual(gadgetBytes(relu(12, 8)), allKept({ labels: 12, tables: 1064, online: 96 }));
  assert.deepEqual(gadgetBytes(rescale(8)), allKept({ labels: 1, tables: 16, online: 16 }));
  for (let k = 2; k <= 20; k++) {
    const twoBit = Math.floor(k / 2);
    const adderAndDecode = (k - 1) * (32 + 12) + 4;
    assert.deepEqual(
      gadgetBytes(relu(k, 8)),
      allKept({
        labels: k,
        tables: adderAndDecode + twoBit * 96,
        online: 16 * (twoBit + (k % 2)),
      }),
    );
    assert.deepEqual(
      gadgetBytes(relu(k, 8, 1)),
      allKept({ labels: k, tables: adderAndDecode, online: 16 * k }),
    );
  }
});

test('arrays have the lengths that the formula promises, for whole chunks and rests', () => {
  for (const gadget of [relu(12, 8), relu(7, 0), relu(7, 3, 1), rescale(5)])
    for (const count of [1, 37, GADGET_CHUNK]) {
      const { labels, tables, online } = gadgetBytes(gadget);
      const keys = freshKeys();
      const share = new Uint32Array(count);
      assert.equal(clientBits(gadget, share).length, labels * count);
      assert.equal(
        garble(gadget, keys, 0, count, new Uint8Array(16 * labels * count)).length,
        tables * count,
      );
      assert.equal(serverLabels(gadget, keys, 0, count, share).length, online * count);
      assert.equal(outputMasks(keys, 0, count).length, count);
    }
});

test('tables, keys and masks of fixed secrets never change: the other side relies on their bytes', () => {
  const digest = (gadget: Gadget) => {
    const keys = {
      ...freshKeys(new Uint8Array(32).fill(7), new Uint8Array(16).fill(9), 3),
      delta: new Uint8Array(16).fill(5),
    };
    const zero = new Uint8Array(16 * gadgetBytes(gadget).labels * 50).map((_, i) => i * 37);
    const share = Uint32Array.from({ length: 50 }, (_, e) => e * 123456789);
    return createHash('sha256')
      .update(garble(gadget, keys, 100, 50, zero))
      .update(serverLabels(gadget, keys, 100, 50, share))
      .update(outputMasks(keys, 100, 50))
      .digest('hex');
  };
  assert.equal(digest(relu(11, 8)), '5ec421afda004a14b521ecfb8b994364118aa62b1a39f56fb480a2e564f802ae');
  assert.equal(digest(rescale(8)), '7d3b0fba30b3a5c8e8d3825bc6befeb96d99ff4be075c4a6e3edb6a954f9712a');
});

test("the evaluator's input bits are those of its truncated share, position-major", () => {
  const share = Uint32Array.of(0b1011_0110_000, 0x80000000, 0xffffffff);
  assert.deepEqual(
    [...clientBits(relu(4, 4), share)],
    [...[1, 0, 1], ...[1, 0, 1], ...[0, 0, 1], ...[1, 0, 1]],
  );
  assert.deepEqual([...clientBits(rescale(4), share)], [0, 1, 1]);
});

test('arrays of a wrong length are refused', () => {
  const gadget = relu(8, 4);
  const keys = freshKeys();
  const share = new Uint32Array(4);
  const tables = garble(gadget, keys, 0, 4, new Uint8Array(16 * 8 * 4));
  const labels = new Uint8Array(16 * 8 * 4);
  const online = serverLabels(gadget, keys, 0, 4, share);
  const input = { share, tables, clientLabels: labels, onlineLabels: online };
  const open = (wrong: Partial<typeof input>) => () =>
    evaluate(gadget, { nonce: keys.nonce, layer: 0, first: 0, count: 4 }, { ...input, ...wrong });
  for (const refused of [
    () => garble(gadget, keys, 0, 4, labels.subarray(16)),
    () => serverLabels(gadget, keys, 0, 4, new Uint32Array(5)),
    () => removeMask(gadget, outputMasks(keys, 0, 4), share, new Uint32Array(3)),
    () => removeMask(gadget, outputMasks(keys, 0, 4), new Uint32Array(3), share),
    open({ share: new Uint32Array(3) }),
    open({ tables: tables.subarray(1) }),
    open({ clientLabels: labels.subarray(1) }),
    open({ onlineLabels: online.subarray(1) }),
  ])
    assert.throws(refused, { code: 'crypto/input' });
});

test('chunks of a wrong size or place and gadgets out of range are refused', () => {
  const keys = freshKeys();
  const labels = (gadget: Gadget, first: number, count: number) => () =>
    serverLabels(gadget, keys, first, count, new Uint32Array(Math.max(0, Math.floor(count))));
  for (const count of [0, -1, 1.5, Number.NaN, GADGET_CHUNK + 1])
    assert.throws(labels(relu(8, 4), 0, count), { code: 'crypto/input' });
  for (const first of [-1, 0.5, 2 ** 32])
    assert.throws(labels(relu(8, 4), first, 1), { code: 'crypto/input' });
  for (const gadget of [
    relu(1, 4),
    relu(21, 0),
    relu(12, 21),
    relu(8.5, 4),
    relu(8, -1),
    rescale(31),
    rescale(0.5),
  ])
    assert.throws(() => gadgetBytes(gadget), { code: 'crypto/input' }, JSON.stringify(gadget));
  assert.throws(() => gadgetBytes({ ...relu(8, 4), digitBits: 3 as 2 }), { code: 'crypto/input' });
});
