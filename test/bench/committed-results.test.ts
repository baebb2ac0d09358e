import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ZOO } from '../../bench/model.ts';
import { paperRows } from '../../bench/paper/columns.ts';
import type { PaperEntry } from '../../bench/paper/entry.ts';
import { zooAccuracies } from '../../bench/paper/zoo-accuracy.ts';
import { headline, tablePage, withHeadline } from '../../bench/report/markdown.ts';
import { readResults, sampled } from '../../bench/results.ts';

const ROOT = join(import.meta.dirname, '../..');
const file = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const results = readResults<PaperEntry>(join(ROOT, 'docs', 'results', 'paper.json'), 'paper');
const rows = paperRows(results.entries, zooAccuracies(ZOO));

/** What brings the documents in line. */
const REMEDY = 'npm run bench -- report docs/results/*.json --out docs/results --readme README.md';

test("the README's figures are those of the committed results", () => {
  const readme = file('README.md');
  assert.equal(readme, withHeadline(readme, headline(rows, results.machine)), REMEDY);
});

test('the table of all rows is that of the committed results', () => {
  assert.equal(file('docs', 'results', 'table.md'), tablePage(rows, results), REMEDY);
});

test('the committed medians and spreads are those of their samples, from code without changes', () => {
  for (const { name, commit, figures } of results.entries) {
    assert.match(commit, /^[0-9a-f]{12}$/, name);
    for (const figure of Object.values(figures)) {
      const again = sampled(figure.samples);
      // Samples are written in microseconds.
      for (const key of ['median', 'min', 'max'] as const)
        assert.ok(Math.abs(figure[key] - again[key]) < 0.0015, `${name}: ${key}`);
    }
  }
});
