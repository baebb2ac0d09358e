import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { breakdownEntry } from '../../bench/breakdown/entry.ts';
import { loadEntry } from '../../bench/load/entry.ts';
import type { PaperEntry } from '../../bench/paper/entry.ts';
import { byNetwork } from '../../bench/report/chart.ts';
import { withHeadline } from '../../bench/report/markdown.ts';
import { THEMES } from '../../bench/report/theme.ts';
import { emptyResults, entryHead, type Results, sampled, writeResults } from '../../bench/results.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const folder = temporaryFolder();

const paperEntry = (name: string, network: string, ms: number): PaperEntry => ({
  ...{ ...entryHead(name, network), setting: 'fast', warmUp: 3, relus: 25_600, macs: 140e6, rounds: 6 },
  ...{ phases: [], peakRss: { server: 5e8, client: 3e8 } },
  ...{ onlineBytes: { up: 1e5, down: 2e6 }, offlineBytes: { up: 4e6, down: 36e6 } },
  figures: { onlineMs: sampled([ms, 1.1 * ms, 1.5 * ms]), offlineMs: sampled([9 * ms, 10 * ms]) },
});

const step = { name: 'evaluate', party: 'client' as const, at: 1000, ms: 4, layer: 1, start: 1000 };
const operation = { start: 998, end: 1010, steps: [{ ...step, process: 1, thread: 1 }] };
const studied = { model: 'a', network: 'loopback', relus: 1, macs: 1, pool: 1, low: 1, bundleBytes: 1 };
const requests = [0, 1, 2, 3].map((i) => ({
  ...{ arrived: i, started: i, answered: i + 40 + i, preparingMs: i % 2 },
}));

async function report(...all: Results[]): Promise<string> {
  const files = all.map((results) => join(folder, `${results.kind}.json`));
  for (const [i, results] of all.entries()) writeResults(files[i], results);
  const out = mkdtempSync(join(folder, 'out-'));
  writeFileSync(join(out, 'README.md'), 'before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n');
  const main = join(import.meta.dirname, '../../bench/main.ts');
  await promisify(execFile)(process.execPath, [
    ...[main, 'report', ...files, '--out', out, '--png', '--readme', join(out, 'README.md')],
  ]);
  return out;
}

const paper = {
  ...emptyResults<PaperEntry>('paper', ['Two processes <at once>.']),
  entries: [
    paperEntry('sphynx-paper:5,5,0+1', 'loopback', 40),
    paperEntry('sphynx-paper:5,5,0+1', 'wan', 480),
  ],
};
const breakdown = {
  ...emptyResults('breakdown', []),
  entries: [breakdownEntry('a', 'inference', 'loopback', [operation])],
};
const load = {
  ...emptyResults('load', []),
  entries: [0.5, 1].map((rate) =>
    loadEntry(entryHead(`a at ${rate}`, 'loopback'), studied, rate, {
      requests,
      prepared: { count: 1, ms: 1 } as never,
    }),
  ),
};

test('the report is one self-contained page, with charts for light and dark screens', async () => {
  const out = await report(paper, breakdown, load);
  const charts = ['accuracy', 'relus', 'latency', 'breakdown-inference-a-loopback', 'load'];
  const files = charts.flatMap((name) =>
    ['', '-dark'].flatMap((theme) => [`${name}${theme}.svg`, `${name}${theme}.png`]),
  );
  assert.deepEqual(readdirSync(out).sort(), [...files, 'README.md', 'index.html', 'table.md'].sort());
  const page = readFileSync(join(out, 'index.html'), 'utf8');
  assert.equal(page.match(/<img /g)?.length, charts.length);
  for (const [, address] of page.matchAll(/(?:src|srcset|href)="([^"]*)"/g))
    assert.ok(address.startsWith('data:image/svg+xml;base64,'), address.slice(0, 80));
  assert.ok(!/url\(|@import|<script/.test(page));
  assert.ok(page.includes('Two processes &lt;at once&gt;.'));
  for (const { background } of THEMES) assert.ok(page.includes(background));
  for (const name of charts)
    for (const [i, suffix] of ['', '-dark'].entries()) {
      const svg = readFileSync(join(out, `${name}${suffix}.svg`), 'utf8');
      assert.ok(svg.includes(`fill="${THEMES[i].background}"`), name);
      assert.ok(!/NaN|undefined/.test(svg), name);
      assert.match(svg, /\((?:s|ms|%)\)/, `${name} names its units`);
    }
  const { width, height } = await sharp(join(out, 'accuracy.png')).metadata();
  const [, points] = /width="(\d+)"/.exec(readFileSync(join(out, 'accuracy.svg'), 'utf8')) ?? [];
  assert.ok(height > 300 && Math.abs(width - 2 * Number(points)) <= 2);
});

test('the table between the markers is replaced by that of the measurements without an emulated network', async () => {
  const readme = readFileSync(join(await report(paper), 'README.md'), 'utf8');
  assert.match(readme, /^before\n<!-- results -->\n\| network .*\n/);
  assert.match(readme, /\n<!-- end of results -->\nafter\n$/);
  const row = /\| Sphynx C=5 D=5, CIFAR-100 \| 25,600 \| (.*) \|/.exec(readme)?.[1];
  assert.equal(row, '727 ms | **44.0 ms (40.0 to 60.0)**, 17x faster | 380 ms (360 to 400), 40 MB | ');
  assert.ok(!readme.includes('old'));
});

test('a text without markers is refused', () => {
  for (const text of ['', '<!-- results -->', '<!-- end of results --><!-- results -->'])
    assert.throws(() => withHeadline(text, 'table'), { code: 'config/invalid' });
});

test('every network of a chart has a colour of its own, or the chart is not drawn', () => {
  for (const theme of THEMES) {
    const methods = theme.series.map((_, i) => ({ method: `network ${i}` }));
    assert.equal(new Set(theme.series).size, theme.series.length);
    assert.equal(byNetwork([...methods, methods[0]], theme).scale.domain.length, theme.series.length);
    assert.throws(() => byNetwork([...methods, { method: 'another' }], theme), /13 networks in a chart/);
  }
});
