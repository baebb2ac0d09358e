import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { BreakdownEntry } from '../breakdown/entry.ts';
import type { LoadEntry } from '../load/entry.ts';
import { ZOO } from '../model.ts';
import { type PaperRow, paperRows } from '../paper/columns.ts';
import type { PaperEntry } from '../paper/entry.ts';
import { type ZooAccuracy, zooAccuracies } from '../paper/zoo-accuracy.ts';
import { type Entry, type Results, readResults, type SuiteKind } from '../results.ts';
import { accuracyChart } from './accuracy-chart.ts';
import { breakdownChart } from './breakdown-chart.ts';
import { type Chart, drawSvg, pngOf } from './chart.ts';
import { growthChart } from './growth-chart.ts';
import { latencyChart } from './latency-chart.ts';
import { loadChart } from './load-chart.ts';
import { headline, tablePage, withHeadline } from './markdown.ts';
import { type Drawn, page } from './page.ts';
import { reluChart } from './relu-chart.ts';
import { THEMES } from './theme.ts';

interface Options {
  readonly out: string;
  readonly readme?: string;
  readonly png?: boolean;
}

/** `npm run bench -- report`. */
export function reportCommand(): Command {
  return new Command('report')
    .description('results as one page of HTML, its charts as SVG, and its table in Markdown')
    .argument('<results...>', 'files that the suites wrote')
    .requiredOption('--out <folder>', 'where index.html, the charts and table.md are written')
    .option('--readme <file>', 'a Markdown file whose table is replaced, between its markers')
    .option('--png', 'the charts as PNG too, for slides and papers')
    .action(async (files: string[], { out, readme, png }: Options) => {
      const results = files.map((file) => readResults(file));
      const zoo = zooAccuracies(ZOO);
      const rows = paperRows(entriesOf<PaperEntry>(results, 'paper'), zoo);
      mkdirSync(out, { recursive: true });
      const drawn = await Promise.all(
        chartsOf(results, rows, [...zoo.values()]).map((chart) => drawInto(out, chart, png)),
      );
      writeFileSync(join(out, 'index.html'), page(results, rows, drawn));
      const paper = results.find(({ kind }) => kind === 'paper');
      if (paper) writeFileSync(join(out, 'table.md'), tablePage(rows, paper));
      if (readme && paper)
        writeFileSync(readme, withHeadline(readFileSync(readme, 'utf8'), headline(rows, paper.machine)));
    });
}

function entriesOf<E extends Entry>(results: readonly Results[], kind: SuiteKind): E[] {
  return results.filter((result) => result.kind === kind).flatMap(({ entries }) => entries as E[]);
}

function chartsOf(
  results: readonly Results[],
  rows: readonly PaperRow[],
  zoo: readonly ZooAccuracy[],
): Chart[] {
  const charts = [
    accuracyChart(rows),
    reluChart(zoo),
    latencyChart(rows),
    growthChart(rows),
    ...entriesOf<BreakdownEntry>(results, 'breakdown').map(breakdownChart),
    loadChart(entriesOf<LoadEntry>(results, 'load')),
  ];
  return charts.filter((chart) => chart !== undefined);
}

/** Writes a chart in every theme: NAME.svg (and NAME.png) are the light one's. */
async function drawInto(folder: string, chart: Chart, png = false): Promise<Drawn> {
  const svgs = { light: '', dark: '' };
  for (const theme of THEMES) {
    const svg = await drawSvg(chart, theme);
    const file = join(folder, chart.name + (theme.name === 'light' ? '' : `-${theme.name}`));
    writeFileSync(`${file}.svg`, svg);
    if (png) writeFileSync(`${file}.png`, await pngOf(svg));
    svgs[theme.name] = svg;
  }
  return { chart, svgs };
}
