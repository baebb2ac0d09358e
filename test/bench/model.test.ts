import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchModel } from '../../bench/model.ts';

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

test('from 224 pixels on the stem of ImageNet comes first, with two ReLU layers', async () => {
  const { card } = await benchModel('sphynx:4,3,1@224');
  assert.equal(card.relus, 112 * 112 * 2 + 56 * 56 * 4 + 3 * 28 * 28 * 4);
  assert.deepEqual(card.layers[2].output, { channels: 4, height: 28, width: 28 });
  assert.equal(card.labels.length, 1000);
});

test('a folder of the zoo is named by its name', async () => {
  assert.equal((await benchModel('sphynx-c100-25k')).card.relus, 25_600);
});

test('what names no network is refused with what would', async () => {
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
  ];
  for (const name of [...wrong, 'sphynx:0,5,0', 'sphynx:5,99999999,0', 'sphynx:5,5,0@1024'])
    await assert.rejects(benchModel(name), { code: 'config/invalid' }, name);
});
