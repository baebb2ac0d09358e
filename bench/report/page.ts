import { COLUMNS, type PaperRow } from '../paper/columns.ts';
import { SPHYNX_MACHINE } from '../paper/published.ts';
import type { Results } from '../results.ts';
import type { Chart } from './chart.ts';
import { describeMachine } from './markdown.ts';
import { FONT, THEMES, type Theme } from './theme.ts';

/** A chart as it is drawn for every theme. */
export interface Drawn {
  readonly chart: Chart;
  readonly svgs: Readonly<Record<Theme['name'], string>>;
}

/** A page that needs no other file: charts, the table of all rows, and how it was measured. */
export function page(
  results: readonly Results[],
  rows: readonly PaperRow[],
  drawn: readonly Drawn[],
): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Private inference, measured</title>
<style>${style()}</style>
<main>
<h1>Private inference, measured</h1>
<p>Latency of the networks of the Sphynx paper and of others, beside what the papers print. Their machine: ${escaped(SPHYNX_MACHINE)}.</p>
${drawn.map(figure).join('\n')}
${rows.length > 0 ? table(rows) : ''}
<h2>How it was measured</h2>
${results.map(method).join('\n')}
</main>
</html>
`;
}

function figure({ chart, svgs }: Drawn): string {
  const source = (name: Theme['name']) =>
    `data:image/svg+xml;base64,${Buffer.from(svgs[name]).toString('base64')}`;
  return `<figure>
<h2>${escaped(chart.title)}</h2>
<picture><source media="(prefers-color-scheme: dark)" srcset="${source('dark')}"><img src="${source('light')}" alt="${escaped(chart.title)}"></picture>
<figcaption>${escaped(chart.caption)}</figcaption>
</figure>`;
}

function table(rows: readonly PaperRow[]): string {
  const cells = (tag: string, texts: readonly string[]) =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join('')}</tr>`;
  return `<h2>All rows</h2>
<div class="wide"><table>
<thead>${cells(
    'th',
    COLUMNS.map(({ title }) => title),
  )}</thead>
<tbody>${rows
    .map((row) =>
      cells(
        'td',
        COLUMNS.map(({ cell }) => cell(row)),
      ),
    )
    .join('\n')}</tbody>
</table></div>
<p>Medians, with the smallest and the largest sample. The ratio is the paper's online latency over ours, the price of privacy our online latency over that of the same network in plaintext.</p>`;
}

function method({ kind, machine, method: sentences, entries }: Results): string {
  const { node, platform } = machine;
  const commits = [...new Set(entries.map(({ commit }) => commit))].join(', ');
  const dates = entries.map(({ at }) => at.slice(0, 10)).sort();
  return `<h3>${escaped(kind)}</h3>
<p>${escaped(`${describeMachine(machine)}; Node ${node}, ${platform}; commit ${commits}; ${[...new Set([dates[0], dates[dates.length - 1]])].join(' to ')}`)}</p>
<ul>${sentences.map((sentence) => `<li>${escaped(sentence)}</li>`).join('')}</ul>`;
}

function style(): string {
  const colours = ({ background, ink, faint, grid }: Theme) =>
    `:root{--background:${background};--ink:${ink};--faint:${faint};--grid:${grid}}`;
  const [light, dark] = THEMES;
  return `
${colours(light)}
@media (prefers-color-scheme: dark){${colours(dark)}}
body{margin:0;background:var(--background);color:var(--ink);font:16px/1.5 ${FONT}}
main{max-width:1240px;margin:0 auto;padding:24px}
h1{font-size:28px}h2{font-size:20px;margin:40px 0 8px}h3{font-size:16px}
figure{margin:0}img{max-width:100%;height:auto}
figcaption,p,li{color:var(--faint);max-width:75ch}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;white-space:nowrap;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;border-bottom:1px solid var(--grid);text-align:right}
th{font-weight:600}th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--background)}
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
