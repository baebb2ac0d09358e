import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Machine } from '../machine.ts';
import { COLUMNS, networkName, type PaperRow, speedUp, timeSpread } from '../paper/columns.ts';
import { SPHYNX_MACHINE } from '../paper/published.ts';
import type { Results } from '../results.ts';

/** The networks of the README's table. */
const HEADLINE = [
  'sphynx-paper:5,5,0+1',
  'sphynx-paper:5,10,0+5',
  'sphynx-paper:15,15,2+6',
  'sphynx-paper:15,10,0+5@64',
  'sphynx-paper:20,10,1+5@224',
  'resnet18:64',
];

const [BEGIN, END] = ['<!-- results -->', '<!-- end of results -->'];

/** A page with all rows, all columns and how they were measured. */
export function tablePage(rows: readonly PaperRow[], { machine, method }: Results): string {
  const table = markdownTable(
    COLUMNS.map(({ title }) => title),
    rows.map((row) => COLUMNS.map(({ cell }) => cell(row))),
  );
  return [
    '# The networks of the papers, measured',
    '',
    table,
    '',
    ...[`Here: ${describeMachine(machine)}; Node ${machine.node}.`, ...method].map((text) => `- ${text}`),
    `- The paper's latencies: ${SPHYNX_MACHINE}. It could not run the networks on ImageNet and estimates theirs.`,
    "- The ratio is the paper's online latency over ours, the price of privacy our online latency over plaintext's. Accuracy here is that of the network in `model-zoo/`, in private inference's integers.",
    '',
  ].join('\n');
}

/** The README's table, followed by how its figures were measured. */
export function headline(rows: readonly PaperRow[], machine: Machine): string {
  const chosen = HEADLINE.flatMap(
    (model) => rows.find(({ entry }) => entry.name === model && entry.network === 'loopback') ?? [],
  );
  const table = markdownTable(
    [
      ...[
        'network',
        'ReLUs',
        'online: DELPHI, Intel Core i9-10900X (Sphynx paper)',
        `online: sphynx-pi, ${describeMachine(machine)}`,
      ],
      ...['offline per image, sphynx-pi', 'without privacy, same machine'],
    ],
    chosen.map((row) => {
      const { entry, published } = row;
      const { onlineMs, offlineMs, plaintextMs } = entry.figures;
      const { up, down } = entry.offlineBytes;
      const papers = published.onlineMs?.toLocaleString('en-US');
      const ratio = speedUp(row);
      return [
        networkName(published, entry.name),
        entry.relus.toLocaleString('en-US'),
        papers ? `${papers} ms${published.estimated ? ', estimated' : ''}` : '',
        `**${timeSpread(onlineMs)}**${ratio ? `, ${Math.round(ratio)}x faster` : ''}`,
        `${timeSpread(offlineMs)}, ${Math.round((up + down) / 1e6)} MB`,
        plaintextMs ? timeSpread(plaintextMs) : '',
      ];
    }),
  );
  const repeats = chosen.map(({ entry }) => entry.figures.onlineMs.samples.length);
  const counts = [Math.min(...repeats), Math.max(...repeats)];
  return [
    table,
    '',
    `sphynx-pi: medians of ${[...new Set(counts)].join(' to ')} runs, with the fastest and the slowest in brackets; random weights; server and client on one machine over gRPC on loopback. Without privacy: the same network in onnxruntime-web on one thread. Sphynx paper: ${SPHYNX_MACHINE}.`,
  ].join('\n');
}

/** Replaces the text between the markers. Throws 'config/invalid' if a marker is missing. */
export function withHeadline(text: string, table: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new SphynxError('config/invalid', `no table between ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n${table}\n${text.slice(end)}`;
}

/** 'AMD EPYC, 2 cores, 24 GiB'. */
export function describeMachine({ cpu, cores, memory }: Machine): string {
  return `${cpu}, ${cores} cores, ${Math.round(memory / 2 ** 30)} GiB`;
}

function markdownTable(header: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
