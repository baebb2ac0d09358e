import { tileAt } from './layout.ts';
import type { PartPacking } from './plan.ts';

/** The outputs that one ciphertext of a part carries: a block of channels, rows and columns. */
export interface OutputBlock {
  readonly tile: number;
  readonly channel: number;
  readonly channels: number;
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
  readonly count: number;
}

/** The block of ciphertext `index` of a part. */
export function outputsOf(
  { output, layout, channelsOut, tiles }: Omit<PartPacking, 'ciphertexts' | 'bytes'>,
  index: number,
): OutputBlock {
  const tile = tiles[index % tiles.length];
  const bands = tileAt(layout, tile);
  const channel = Math.floor(index / tiles.length) * channelsOut;
  const channels = Math.min(channelsOut, output.channels - channel);
  const rows = Math.min(bands.row.outEnd, output.height) - bands.row.outFirst;
  const columns = Math.min(bands.column.outEnd, output.width) - bands.column.outFirst;
  const [row, column] = [bands.row.outFirst, bands.column.outFirst];
  return { tile, channel, channels, row, rows, column, columns, count: channels * rows * columns };
}
