import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { PaperEntry } from '../../bench/paper/entry.ts';
import type { Row } from '../../bench/paper/rows.ts';
import { runPaper } from '../../bench/paper/suite.ts';
import { readResults } from '../../bench/results.ts';
import { networkProfile } from '../../transport/network-profiles.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const row = (model: string): Row => ({ source: 'none', method: 'Small', dataset: 'CIFAR-100', model });

test('rows are measured once per commit, over every network, and one that fails does not stop the others', async () => {
  const file = join(folder, 'deep', 'paper.json');
  const run = async () => {
    const seen: string[] = [];
    const results = await runPaper({
      ...{ rows: [row('sphynx:9,9,9'), row('sphynx:2,2,0@8')], file, repeat: 2, cores: null },
      networks: ['loopback', '1,500,500'].map(networkProfile),
      note: () => {},
      done: (_, { name, network }) => seen.push(`${name} ${network}`),
      failed: ({ model }, network, error) =>
        seen.push(`${model} ${network} ${(error as { code: string }).code}`),
    });
    assert.deepEqual(seen, [
      'sphynx:9,9,9 loopback config/invalid',
      'sphynx:2,2,0@8 loopback',
      'sphynx:9,9,9 1,500,500 config/invalid',
      'sphynx:2,2,0@8 1,500,500',
    ]);
    assert.deepEqual(readResults<PaperEntry>(file, 'paper'), results);
    return results;
  };
  const first = await run();
  const [local, far] = first.entries;
  for (const { figures, warmUp } of [local, far]) {
    assert.equal(figures.onlineMs.samples.length, 2);
    assert.equal(figures.offlineMs.samples.length, 2);
    assert.equal(warmUp, 3);
  }
  assert.equal(local.figures.plaintextMs?.samples.length, 2);
  assert.equal(far.figures.plaintextMs, undefined);
  assert.ok(first.method.some((sentence) => sentence.includes('neither process was pinned')));
  // Whoever commits meanwhile has the rows measured again.
  const second = await run();
  if (second.entries.every(({ commit }) => commit === local.commit)) assert.deepEqual(second, first);
});
