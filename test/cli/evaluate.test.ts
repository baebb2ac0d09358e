import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PlainModel } from '../../cli/evaluate/plain-model.ts';
import { evaluate } from '../../cli/evaluate.ts';
import { Output } from '../../cli/output.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { writeNetwork } from '../../model/stored-network.ts';
import { network, runningServer } from '../support/running-server.ts';
import { ROOT, sphynx } from '../support/sphynx.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const APPLE = join(ROOT, 'samples', 'apple.png');
const SEA = join(ROOT, 'samples', 'sea.png');
const { port } = await runningServer();
const server = `127.0.0.1:${port}`;
const { labels } = network.card;

/** A folder with copies of pictures, each in the subfolder of a class. */
function classed(pictures: readonly (readonly [label: string, name: string, picture: string])[]): string {
  const folder = temporaryFolder();
  for (const [label, name, picture] of pictures) {
    mkdirSync(join(folder, label), { recursive: true });
    copyFileSync(picture, join(folder, label, name));
  }
  return folder;
}

/** A folder of a model as `sphynx import` writes it, so far as evaluate reads it. */
async function modelFolder(model: FixedNetwork): Promise<string> {
  const folder = temporaryFolder();
  await writeNetwork(folder, model);
  writeFileSync(join(folder, 'fixed-point.json'), JSON.stringify({ format: 2, accuracy: { float: 50 } }));
  return folder;
}

test('evaluate counts right answers, compares them with those in the clear, and records them', async () => {
  const folder = await modelFolder(network);
  const plain = await PlainModel.load(folder, network.card.hash);
  const [right, sea] = [await plain.classOf(APPLE), await plain.classOf(SEA)];
  const [apple, noApple] = [labels[right], labels[(right + 1) % labels.length]];
  const photos = classed([
    [apple, 'one.png', APPLE],
    [noApple, 'wrong.png', APPLE],
    [apple, 'two.png', APPLE],
    [labels[sea], 'sea.png', SEA],
  ]);
  writeFileSync(join(photos, apple, 'broken.png'), 'no picture');
  const { code, stdout, stderr } = await sphynx(
    ['--json', 'evaluate', photos, '--server', server, '--against', folder, '--record'],
    { SPHYNX_STATE: temporaryFolder() },
  );
  assert.equal(code, 0, stderr);
  const { server: _, giveOrTake, ...result } = JSON.parse(stdout);
  assert.deepEqual(result, {
    model: network.card.name,
    images: 4,
    skipped: 1,
    accuracy: 75,
    inTheClear: 75,
    sameClass: 100,
  });
  assert.equal(giveOrTake, 43.3, 'two standard errors');
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'fixed-point.json'), 'utf8')), {
    format: 2,
    accuracy: { float: 50, private: { images: 4, accuracy: 75, sameClass: 100 } },
  });
});

test('evaluate refuses what it cannot count, before a bundle is prepared', async () => {
  const pictures = (...classes: string[]) => classed(classes.map((label) => [label, 'a.png', APPLE]));
  const photos = pictures(labels[0], labels[1]);
  const other = await modelFolder(randomModel({ C: 2, D: 1, reduceAt: [0], size: 8, classes: 10 }));
  const context = { output: new Output({ json: true }), signal: new AbortController().signal };
  const stateFolder = temporaryFolder();
  for (const [source, options, message] of [
    [photos, { record: true }, /--record writes into the folder of --against/],
    [photos, { against: other }, /holds another model than the server/],
    [join(ROOT, 'samples'), {}, /have no classes: put those of each class in a subfolder/],
    [pictures('x', 'y'), {}, /the classes do not match/],
    [temporaryFolder(), {}, /holds neither PNG/],
  ] as const)
    await assert.rejects(evaluate(context, source, { server, state: stateFolder, count: 9, ...options }), {
      code: 'config/invalid',
      message,
    });
  const kept = readdirSync(stateFolder, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    kept.filter((name) => /\.(ready|partial|spending)$/.test(name)),
    [],
  );
});
