import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  emptyResults,
  entryHead,
  readResults,
  sampled,
  withEntry,
  writeResults,
} from '../../bench/results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const entry = (name: string, network: string, ms: number[]) => ({
  ...entryHead(name, network),
  figures: { onlineMs: sampled(ms) },
});

test('results are read as they were written, with every sample in its order', () => {
  const file = join(folder, 'deeper', 'paper.json');
  const results = withEntry(emptyResults('paper', ['two processes']), entry('a', 'lan', [3, 1, 2.5]));
  writeResults(file, results);
  const read = readResults(file, 'paper');
  assert.deepEqual(read, results);
  assert.deepEqual(read.entries[0].figures.onlineMs, {
    median: 2.5,
    min: 1,
    max: 3,
    samples: [3, 1, 2.5],
  });
  assert.match(read.entries[0].commit, /^[0-9a-f]{12}(\+changes)?$|^unknown$/);
  assert.deepEqual(readdirSync(join(folder, 'deeper')), ['paper.json']);
});

test('an entry replaces the one of its name and network, and no other', () => {
  let results = emptyResults('load', []);
  for (const network of ['lan', 'wan']) results = withEntry(results, entry('a', network, [1]));
  results = withEntry(results, entry('a', 'lan', [9]));
  const medians = Object.fromEntries(
    results.entries.map(({ network, figures }) => [network, figures.onlineMs.median]),
  );
  assert.deepEqual(medians, { lan: 9, wan: 1 });
});

test('a file without results is refused with its name', () => {
  const file = join(folder, 'other.json');
  const refused = { code: 'config/invalid', message: /other\.json/ };
  assert.throws(() => readResults(file), refused);
  for (const text of ['', 'null', '{}', '{"format":2,"entries":[]}', '{"format":1}']) {
    writeFileSync(file, text);
    assert.throws(() => readResults(file), refused, text);
  }
  writeResults(file, emptyResults('load', []));
  assert.throws(() => readResults(file, 'paper'), refused);
});
