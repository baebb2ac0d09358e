import { SphynxError } from '../../errors/sphynx-error.ts';
import { bands, type Layout, type Reach } from './layout.ts';
import { INPUT_CIPHERTEXT_BYTES, outputCiphertextBytes } from './parameters.ts';
import type { HeShape } from './plan.ts';

/** Tensors and layers that share one layout, because the terms of a layer need equal positions to be summed. */
export interface Demand {
  readonly rows: Reach;
  readonly columns: Reach;
  /** Maps (channels times phases) of each encrypted tensor. */
  readonly inputs: readonly number[];
  /** Every set of output ciphertexts. */
  readonly outputs: readonly HeShape[];
}

/**
 * The layout that sends the fewest bytes, both directions together: tries all tilings and all ways of dividing
 * a polynomial's room between channels in and channels out. Throws 'crypto/parameters' if a kernel reaches
 * farther than a polynomial.
 */
export function chooseLayout(degree: number, demand: Demand): Layout {
  let best: Layout | undefined;
  let bestBytes = Number.POSITIVE_INFINITY;
  for (const height of bandLengths(demand.rows.out))
    for (const width of bandLengths(demand.columns.out)) {
      const rows = bands(demand.rows, height);
      const columns = bands(demand.columns, width);
      const channelStep = rows.pitch * columns.pitch;
      const room = Math.floor(degree / channelStep);
      for (let channelsOut = 1; channelsOut <= room; channelsOut++) {
        const layout: Layout = {
          degree,
          rowStep: columns.pitch,
          channelStep,
          channelsIn: Math.floor(room / channelsOut),
          channelsOut,
          rows: rows.bands,
          columns: columns.bands,
        };
        const bytes = layoutBytes(layout, demand);
        if (bytes < bestBytes) [best, bestBytes] = [layout, bytes];
      }
    }
  if (!best)
    throw new SphynxError(
      'crypto/parameters',
      `a kernel reaches farther than a polynomial of ${degree} terms`,
    );
  return best;
}

/** Lengths ceil(out / n) of bands that divide `out` outputs evenly, longest first. */
function bandLengths(out: number): number[] {
  return [...new Set(Array.from({ length: out }, (_, n) => Math.ceil(out / (n + 1))))];
}

function layoutBytes({ rows, columns, channelsIn, channelsOut }: Layout, demand: Demand): number {
  const tiles = rows.length * columns.length;
  let bytes = 0;
  for (const maps of demand.inputs) bytes += tiles * Math.ceil(maps / channelsIn) * INPUT_CIPHERTEXT_BYTES;
  for (const output of demand.outputs) {
    const used =
      rows.filter(({ outFirst }) => outFirst < output.height).length *
      columns.filter(({ outFirst }) => outFirst < output.width).length;
    const groups = Math.ceil(output.channels / channelsOut);
    bytes += used * groups * outputCiphertextBytes(0);
  }
  return bytes;
}
