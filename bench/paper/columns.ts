import type { Sampled } from '../results.ts';
import type { PaperEntry } from './entry.ts';
import { PUBLISHED, type Published } from './published.ts';
import type { ZooAccuracy } from './zoo-accuracy.ts';

/** An entry with published facts about its network. */
export interface PaperRow {
  readonly entry: PaperEntry;
  readonly published: Published;
  readonly zoo?: ZooAccuracy;
}

/** A column of the tables; missing figures are empty. */
export interface Column {
  readonly title: string;
  readonly cell: (row: PaperRow) => string;
}

/** The entries in the order of the published rows, network by network. */
export function paperRows(entries: readonly PaperEntry[], zoo: ReadonlyMap<string, ZooAccuracy>): PaperRow[] {
  const networks = [...new Set(entries.map(({ network }) => network))];
  return networks.flatMap((network) =>
    PUBLISHED.flatMap((published) => {
      const entry = entries.find(({ name, network: its }) => name === published.model && its === network);
      return entry ? [{ entry, published, zoo: zoo.get(entry.name) }] : [];
    }),
  );
}

/** Returns the ratio of the paper's online latency to ours; undefined if the paper has none. */
export function speedUp({ entry, published }: PaperRow): number | undefined {
  return published.onlineMs && published.onlineMs / entry.figures.onlineMs.median;
}

export const COLUMNS: readonly Column[] = [
  { title: 'network', cell: ({ published, entry }) => networkName(published, entry.name) },
  { title: 'over', cell: ({ entry }) => entry.network },
  { title: 'ReLUs', cell: ({ entry }) => whole(entry.relus) },
  { title: 'M MACs', cell: ({ entry }) => whole(entry.macs / 1e6) },
  { title: 'accuracy here', cell: ({ zoo }) => (zoo ? `${(zoo.fixed ?? zoo.float).toFixed(2)} %` : '') },
  { title: 'of the paper', cell: ({ published }) => percent(published.accuracy) },
  { title: "online, paper's", cell: ({ published }) => paperTime(published) },
  { title: 'online, ours', cell: ({ entry }) => timeSpread(entry.figures.onlineMs) },
  { title: 'ratio', cell: (row) => times(speedUp(row)) },
  { title: 'offline', cell: ({ entry }) => timeSpread(entry.figures.offlineMs) },
  { title: 'online MB up, down', cell: ({ entry }) => traffic(entry.onlineBytes) },
  { title: 'offline MB up, down', cell: ({ entry }) => traffic(entry.offlineBytes) },
  { title: 'rounds', cell: ({ entry }) => `${entry.rounds}` },
  {
    title: 'server, client MB',
    cell: ({ entry }) => `${megabytes(entry.peakRss.server)}, ${megabytes(entry.peakRss.client)}`,
  },
  {
    title: 'plaintext',
    cell: ({ entry: { figures } }) => (figures.plaintextMs ? timeSpread(figures.plaintextMs) : ''),
  },
  {
    title: 'price of privacy',
    cell: ({ entry: { figures } }) =>
      times(figures.plaintextMs && figures.onlineMs.median / figures.plaintextMs.median),
  },
];

/** 'Sphynx C=5 D=10, CIFAR-100'. */
export function networkName({ method, dataset }: Published, model: string): string {
  if (model.startsWith('minionn:')) return `${method}, ${dataset}`;
  const [, C, D] = /:(\d+),?(\d*)/.exec(model) ?? [];
  return `${method} C=${C}${/^sphynx(-paper)?:/.test(model) ? ` D=${D}` : ''}, ${dataset}`;
}

/** '36.1 ms (31.0 to 55.2)', '7.51 s (7.40 to 8.02)'. */
export function timeSpread({ median, min, max }: Pick<Sampled, 'median' | 'min' | 'max'>): string {
  const [unit, scale] = median < 1000 ? ['ms', 1] : ['s', 1000];
  const short = (value: number) => significant(value / scale);
  return `${short(median)} ${unit} (${short(min)} to ${short(max)})`;
}

function paperTime({ onlineMs, estimated }: Published): string {
  if (onlineMs === undefined) return '';
  return `${whole(onlineMs)} ms${estimated ? ', estimated' : ''}`;
}

function percent(value: number | undefined): string {
  return value === undefined ? '' : `${value.toFixed(2)} %`;
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? '' : `${significant(ratio)}x`;
}

function traffic({ up, down }: { up: number; down: number }): string {
  return `${significant(up / 1e6)}, ${significant(down / 1e6)}`;
}

function megabytes(bytes: number): string {
  return whole(bytes / 1e6);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Formats with three digits, or with all digits before the point. */
function significant(value: number): string {
  const digits = value <= 0 ? 2 : Math.min(2, Math.max(0, 2 - Math.floor(Math.log10(value))));
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
