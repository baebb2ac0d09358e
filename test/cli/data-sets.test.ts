import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import sharp from 'sharp';
import type { DataSet } from '../../cli/datasets/data-set.ts';
import { matchClasses } from '../../cli/datasets/matching-classes.ts';
import { openDataSet } from '../../cli/datasets/open-data-set.ts';
import type { MeasuredAccuracy } from '../../cli/import/judge.ts';
import { warnOfAccuracy } from '../../cli/import/warnings.ts';
import { prepareImage } from '../../client/node/image.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const facts: ModelFacts = {
  name: 'model',
  inputKind: 'picture',
  head: 'softmax',
  labels: ['ant', 'bee'],
  preprocessing: { height: 32, width: 32, mean: [0, 0, 0], std: [1, 1, 1] },
};
const reader = { ...facts, input: { channels: 3, height: 32, width: 32 } };

/** A folder with files, whose content is text, bytes, or the grey of a picture. */
async function folderOf(files: Record<string, string | Uint8Array | number>): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const picture = (background: { r: number; g: number; b: number }) =>
      sharp({ create: { width: 32, height: 32, channels: 3, background } })
        .toFormat('png')
        .toBuffer();
    const bytes =
      typeof content === 'number' ? await picture({ r: content, g: content, b: content }) : content;
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

/** Records of CIFAR: picture i has the label i and pixels of 10 i. */
function records(count: number, labelBytes: number): Uint8Array {
  const bytes = new Uint8Array(count * (labelBytes + 3072));
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * (labelBytes + 3072), (i + 1) * (labelBytes + 3072));
    record.fill(10 * i);
    record.fill(99, 0, labelBytes);
    record[labelBytes - 1] = i;
  }
  return bytes;
}

/** Class and first pixel of each picture of both parts. */
async function contentOf({ train, test }: DataSet) {
  const parts = [];
  for (const part of [train, test])
    if (part)
      for (let i = 0; i < part.count; i++)
        parts.push([part.classOf(i), Math.round(255 * (await part.read(i, reader))[0])]);
  return parts;
}

test('CIFAR in both layouts is found by its files, with fine labels and names of classes', async () => {
  const batches = Object.fromEntries(
    [1, 2, 3, 4, 5].map((batch) => [`data_batch_${batch}.bin`, records(batch === 1 ? 2 : 1, 1)]),
  );
  const ten = await openDataSet(await folderOf({ ...batches, 'test_batch.bin': records(1, 1) }));
  assert.deepEqual([ten.kind, ten.classes?.length, ten.train.count, ten.test?.count], ['cifar-10', 10, 6, 1]);
  const names = Array.from({ length: 100 }, (_, i) => `name ${i}`);
  const hundred = await openDataSet(
    await folderOf({ 'train.bin': records(3, 2), 'fine_label_names.txt': `${names.join('\n')}\n` }),
  );
  assert.deepEqual([hundred.kind, hundred.classes, hundred.test], ['cifar-100', names, null]);
  assert.deepEqual(await contentOf(hundred), [
    [0, 0],
    [1, 10],
    [2, 20],
  ]);
  await assert.rejects(openDataSet(await folderOf({ 'train.bin': 'short' })), /whole records of 3074 bytes/);
  await assert.rejects(openDataSet(await folderOf({}), 'cifar-10'), /cannot read .*data_batch_1\.bin/);
});

test('Tiny-ImageNet has its classes in the order of their ids, and is tested on its validation part', async () => {
  const set = await openDataSet(
    await folderOf({
      'wnids.txt': 'n02\nn01\n',
      'words.txt': 'n01\tgoldfish, Carassius auratus\nn02\tbee\nn03\telse\n',
      'train/n01/images/n01_0.JPEG': 10,
      'train/n02/images/n02_0.JPEG': 20,
      'val/images/val_0.JPEG': 30,
      'val/val_annotations.txt': 'val_0.JPEG\tn02\t0\t0\t1\t1\n',
    }),
  );
  assert.deepEqual([set.kind, set.classes], ['tiny-imagenet', ['goldfish', 'bee']]);
  assert.deepEqual(await contentOf(set), [
    [0, 10],
    [1, 20],
    [1, 30],
  ]);
});

test('a folder has its classes in subfolders, and parts where they are named', async () => {
  const flat = await openDataSet(await folderOf({ 'a.png': 10, 'deeper/b.png': 20 }));
  assert.deepEqual([flat.classes, flat.test, flat.train.count], [null, null, 2]);
  const classed = await openDataSet(await folderOf({ 'bee/1.png': 20, 'ant/1.png': 10 }));
  assert.deepEqual([classed.classes, classed.test], [['ant', 'bee'], null]);
  assert.deepEqual(await contentOf(classed), [
    [0, 10],
    [1, 20],
  ]);
  const parts = await openDataSet(
    await folderOf({ 'train/ant/1.png': 10, 'train/bee/1.png': 20, 'val/bee/1.png': 30 }),
  );
  assert.deepEqual(await contentOf(parts), [
    [0, 10],
    [1, 20],
    [1, 30],
  ]);
});

test('a picture as a client takes it gives the input that is read', async () => {
  const bytes = Uint8Array.from({ length: 3 * 3074 }, (_, i) => (i % 3074 < 2 ? 1 : (i * 7919) % 251));
  const cifar = await openDataSet(await folderOf({ 'train.bin': bytes }));
  const files = await openDataSet(await folderOf({ 'ant/1.png': 10, 'bee/1.png': 20 }));
  for (const { train } of [cifar, files])
    for (let i = 0; i < train.count; i++)
      assert.deepEqual(await prepareImage(train.picture(i), reader), await train.read(i, reader));
});

const set = (classes: string[] | null) => ({ classes, source: 'DATA' }) as DataSet;

test('classes are matched by name or by order, and a mismatch is reported', () => {
  assert.deepEqual(matchClasses(set(null), facts), { numbers: null, warnings: [] });
  assert.deepEqual(matchClasses(set(['Bee', 'ant']), facts), { numbers: [1, 0], warnings: [] });
  assert.deepEqual(matchClasses(set(['bee']), facts), { numbers: [1], warnings: [] });
  const ordered = matchClasses(set(['x', 'y']), facts);
  assert.deepEqual(ordered.numbers, [0, 1]);
  assert.match(ordered.warnings[0], /other names than the network's \(such as "x"\).*matched in order/);
  const other = matchClasses(set(['ant', 'bee', 'cat']), facts);
  assert.equal(other.numbers, null);
  assert.match(other.warnings[0], /the classes do not match: DATA has 3, 1 of which \(such as "cat"\)/);
  assert.match(
    matchClasses(set(['a', 'b']), { ...facts, head: 'values' }).warnings[0],
    /accuracy is not measured/,
  );
});

test('an accuracy no better than chance causes a warning', () => {
  const accuracy = (float: number, images: number) => ({ float, images }) as MeasuredAccuracy;
  assert.match(
    warnOfAccuracy(accuracy(52, 100), facts)[0],
    /no more than chance: are the classes in the order/,
  );
  assert.deepEqual(warnOfAccuracy(accuracy(70, 100), facts), []);
  assert.deepEqual(warnOfAccuracy(accuracy(50, 10), facts), []);
  assert.deepEqual(warnOfAccuracy(null, facts), []);
});
