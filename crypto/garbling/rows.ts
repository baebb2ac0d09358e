import { BLOCK_BYTES } from '../../kernels/blocks.ts';

/** The tables of a chunk: one array that both roles walk front to back, position by position. */
export class Rows {
  readonly bytes: Uint8Array;
  #used = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.#used;
    this.#used += length;
    return this.bytes.subarray(start, this.#used);
  }
}

/** The blocks of position `index` in a position-major array of `count` blocks each. */
export function plane(blocks: Uint8Array, index: number, count: number): Uint8Array {
  return blocks.subarray(BLOCK_BYTES * count * index, BLOCK_BYTES * count * (index + 1));
}
