import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcome, ROOT } from '../support/sphynx.ts';

test('the demo classifies an image privately with the model of the zoo, and the result is the plaintext one', async () => {
  const args = [join(ROOT, 'cli', 'demo.ts'), '--json', join(ROOT, 'samples', 'sunflower.png')];
  const { code, stdout, stderr } = await outcome(spawn(process.execPath, args));
  assert.equal(code, 0, stderr);
  const { model, relus, images } = JSON.parse(stdout);
  assert.deepEqual([model, relus, images.length], ['sphynx-c100-25k', 25600, 1]);
  const [{ name, top, matchesPlaintext, rounds, ...costs }] = images;
  assert.deepEqual([name, top.length, matchesPlaintext, rounds], ['sunflower.png', 3, true, 6]);
  assert.equal(top[0].label, 'sunflower');
  for (const cost of ['offlineMs', 'onlineMs', 'offlineBytes', 'onlineBytes'])
    assert.ok(costs[cost] > 0, cost);
});

test('the demo ends with 2 on wrong usage and stops its server when an image cannot be read', async () => {
  const demo = (...args: string[]) =>
    outcome(spawn(process.execPath, [join(ROOT, 'cli', 'demo.ts'), ...args]));
  assert.equal((await demo('--colour')).code, 2);
  const { code, stderr } = await demo('/missing.png');
  assert.equal(code, 1);
  assert.match(stderr, /image\/unreadable: .*missing\.png/);
});
