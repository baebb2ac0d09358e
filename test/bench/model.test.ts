import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchModel, ZOO } from '../../bench/model.ts';

test('a Sphynx network has the ReLUs that its name says', async () => {
  const sizes: Record<string, number> = {
    'sphynx:5,5,0+1': 25_600,
    'sphynx:5,10,0+5': 51_200,
    'sphynx:5,5,0+1@64': 102_400,
    'sphynx:5,5,0+1~90': 2_560,
    'sphynx:5,5,0+1@64~5': 97_280,
  };
  for (const [name, relus] of Object.entries(sizes))
    assert.equal((await benchModel(name)).card.relus, relus, name);
});

test("the papers' other networks have the ReLUs of the trainer's and of the papers", async () => {
  const published: Record<string, number> = {
    'resnet18:64': 557_056, // SNL: 557K
    'resnet18:64@64': 2_228_224, // Sphynx, table 4: 2228.2K
    'resnet18:64~91.0422': 49_900, // SNL: 49.9K
    'resnet18:8@224': 288_512, // Sphynx, table 16: 288K
    'resnet18:32@224': 1_154_048, // 1154K
    'resnet32:16': 303_104, // DELPHI: 303K
    'vgg11:4@224': 472_320, // 472K
    'vgg11:8@224': 936_448, // 936K
    'hrn:2,5,5,3': 2 * 5 * 1024 + 10 * 4 * 256 + 50 * 4 * 64 + 150 * 4 * 16,
  };
  for (const [name, relus] of Object.entries(published))
    assert.ok(Math.abs((await benchModel(name)).card.relus - relus) < 10, name);
});

test('a block adds its input to its second convolution, through one of stride 2 where the map shrinks', async () => {
  const { layers } = (await benchModel('hrn:2,5,5,3')).card;
  const reads = (name: string) =>
    layers
      .find((layer) => layer.name === name)
      ?.terms.map(({ tensor, strideY, kernelHeight, padTop }) => [tensor, strideY, kernelHeight, padTop]);
  assert.deepEqual(reads('stage-1-block-1-b'), [
    [2, 1, 3, 1],
    [1, 1, 1, 0],
  ]);
  assert.deepEqual(reads('stage-2-block-1-a'), [[5, 2, 3, 1]]);
  assert.deepEqual(reads('stage-2-block-1-b'), [
    [6, 1, 3, 1],
    [5, 2, 1, 0],
  ]);
});

test('an average pool is part of the convolution that follows', async () => {
  const { layers } = (await benchModel('vgg11:4@224')).card;
  const shapes = layers.map(({ output, terms: [term] }) => [
    output.channels,
    output.height,
    term.kernelHeight,
    term.strideY,
    term.padTop,
  ]);
  assert.deepEqual(shapes.slice(0, 3), [
    [4, 224, 3, 1, 1],
    [8, 112, 6, 2, 2],
    [16, 56, 6, 2, 2],
  ]);
  assert.deepEqual(shapes.slice(-3), [
    [4096, 1, 14, 2, 0],
    [4096, 1, 1, 1, 0],
    [1000, 1, 1, 1, 0],
  ]);
});

test('from 224 pixels on the stem of ImageNet comes first, with two ReLU layers', async () => {
  const { card } = await benchModel('sphynx:4,3,1@224');
  assert.equal(card.relus, 112 * 112 * 2 + 56 * 56 * 4 + 3 * 28 * 28 * 4);
  assert.deepEqual(card.layers[2].output, { channels: 4, height: 28, width: 28 });
  assert.equal(card.labels.length, 1000);
});

test('a folder of the zoo is selected by its name', async () => {
  assert.equal((await benchModel('sphynx-c100-25k')).card.relus, 25_600);
});

test('an unknown network name is refused with the valid forms', async () => {
  const wrong = [
    '',
    'nothing',
    '../test',
    'sphynx:5,5',
    'sphynx:5,5,5',
    'sphynx:5,5,1+0',
    'sphynx:5,5,0+1@34',
    'sphynx:5,5,0+1~',
    'sphynx:5,5,0+1~100',
    'resnet18',
    'resnet18:0',
    'resnet18:8,8',
    'resnet18:8@48',
    'resnet50:8',
    'hrn:8',
    'toString:1',
  ];
  for (const name of [...wrong, 'sphynx:0,5,0', 'sphynx:5,99999999,0', 'sphynx:5,5,0@1024'])
    await assert.rejects(benchModel(name), { code: 'config/invalid' }, name);
});

test('a model is also the path of a folder, as an import writes it', async () => {
  const zoo = await benchModel('sphynx-c100-13k-snl');
  const { card } = await benchModel(`${ZOO}/sphynx-c100-13k-snl`);
  assert.equal(card.hash, zoo.card.hash);
  await assert.rejects(benchModel('./nowhere'), { code: 'config/invalid', message: /model-zoo/ });
});

test('the forms of a Sphynx network have the same ReLUs and the products that the trainer counts', async () => {
  const [paper, slim] = await Promise.all(['sphynx-paper:5,5,0+1', 'sphynx:5,5,0+1'].map(benchModel));
  assert.deepEqual([paper.card.relus, slim.card.relus], [25_600, 25_600]);
  assert.deepEqual([paper.card.macs, slim.card.macs], [242_281_280, 140_454_720]);
  const deeper = await benchModel('sphynx-paper:5,10,0+5');
  assert.deepEqual([deeper.card.relus, deeper.card.macs], [51_200, 380_152_640]);
});
