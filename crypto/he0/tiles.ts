import { SphynxError } from '../../errors/sphynx-error.ts';
import type { MapShape } from './packing.ts';

/** How far windows reach from the input element at output * stride, over several convolutions together. */
export interface Reach {
  /** Rows read above; rows read from there on down, itself included; columns likewise. */
  readonly above: number;
  readonly below: number;
  readonly left: number;
  readonly right: number;
  /** Rows and columns read beyond the map on either side. */
  readonly rowGap: number;
  readonly colGap: number;
}

/** A map cut into overlapping tiles of one size, such that the window of every output lies in one of them. */
export interface TileGrid {
  readonly rows: number;
  readonly columns: number;
  readonly tileHeight: number;
  readonly tileWidth: number;
  /** Distance from one tile to the next. */
  readonly rowStep: number;
  readonly columnStep: number;
  readonly rowGap: number;
  readonly colGap: number;
  /** Coefficients per row of a tile: its width and the gap. */
  readonly rowLength: number;
}

/** One direction of the grid. */
interface Cut {
  readonly count: number;
  readonly size: number;
  readonly step: number;
}

/** The grid with the fewest tiles that fit a polynomial. Throws 'crypto/parameters' if a window does not fit. */
export function planTiles({ height, width }: MapShape, reach: Reach, polynomial: number): TileGrid {
  let best: TileGrid | undefined;
  for (let tileWidth = width; tileWidth >= 1; tileWidth--) {
    const rowLength = tileWidth + reach.colGap;
    const tileHeight = Math.min(height, Math.floor(polynomial / rowLength) - reach.rowGap);
    const across = cut(width, tileWidth, reach.left + reach.right);
    const down = cut(height, tileHeight, reach.above + reach.below);
    if (!across || !down) continue;
    if (best && best.rows * best.columns <= down.count * across.count) continue;
    best = {
      rows: down.count,
      columns: across.count,
      tileHeight,
      tileWidth,
      rowStep: down.step,
      columnStep: across.step,
      rowGap: reach.rowGap,
      colGap: reach.colGap,
      rowLength,
    };
    if (best.rows * best.columns === 1) break;
  }
  if (best) return best;
  throw new SphynxError(
    'crypto/parameters',
    `a window of ${reach.above + reach.below} x ${reach.left + reach.right} elements does not fit a polynomial`,
  );
}

/** A window of `extent` that starts in [i*step, (i+1)*step) lies in tile i if size >= step + extent - 1. */
function cut(length: number, size: number, extent: number): Cut | undefined {
  if (size >= length) return { count: 1, size, step: length };
  const step = size - extent + 1;
  return step < 1 ? undefined : { count: Math.ceil((length - size) / step) + 1, size, step };
}

/** The tile, along one direction, in which the window of output `index` lies. */
export function tileOf(index: number, stride: number, before: number, step: number, count: number): number {
  return Math.min(Math.floor(Math.max(index * stride - before, 0) / step), count - 1);
}
