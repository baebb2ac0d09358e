import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, xorBlocks, xorEach } from '../../kernels/blocks.ts';
import { MATRIX_ROWS, transpose, xorIf } from '../../kernels/transpose.ts';
import { inKernelMemory } from '../hash.ts';
import { Prg } from '../prg.ts';
import type { BaseOtChoices, BaseOtPairs } from './base-ot.ts';
import { SESSION_TRANSFERS, TransferHash } from './transfer-hash.ts';

/**
 * Random OT by extension (Ishai, Kilian, Nissim, Petrank, CRYPTO 2003), semi-honest. Row j of the matrix
 * belongs to base OT j, column i to transfer i. With T_j = G(k0_j) the receiver sends
 *
 *     U_j = G(k0_j) xor G(k1_j) xor choices
 *
 * and the sender gets Q_j = T_j xor s_j * U_j, so that column i is q_i = t_i xor choice_i * s. The messages
 * are H(i, q_i) and H(i, q_i xor s); the receiver knows H(i, t_i). The streams G continue from call to call and
 * i counts on, so nothing repeats within a session; a session's state is never stored.
 *
 * The matrix goes over the wire row after row, but is worked on in blocks of columns: kernel memory stays
 * small whatever the count.
 */

/**
 * Bytes of every row in one block (8 transfers each), so that a block takes at most 6 MiB of kernel memory. Not a
 * power of two: the transpose steps from row to row, and such steps would fall on the same lines of the cache.
 */
const BLOCK_WIDTH = 8128;

/**
 * Bytes of matrix for `count` transfers: 16 each, rounded up to whole blocks of 128 transfers. Throws
 * 'crypto/input' if `count` is not a number of transfers that a session can make.
 */
export function otMatrixBytes(count: number): number {
  if (!Number.isSafeInteger(count) || count < 0 || count > SESSION_TRANSFERS)
    throw new SphynxError('crypto/input', `expected 0 to ${SESSION_TRANSFERS} transfers, got ${count}`);
  return MATRIX_ROWS * rowBytes(count);
}

function rowBytes(count: number): number {
  return Math.ceil(count / 128) * 16;
}

/** The client's half: chooses. */
export class RandomOtReceiver {
  readonly #zero: Prg[];
  readonly #one: Prg[];
  readonly #hash: TransferHash;

  /** `pairs` serve one receiver only: a second one would repeat the streams, which hide the choices. */
  constructor({ zero, one, session }: BaseOtPairs) {
    this.#zero = zero.map(columnStream);
    this.#one = one.map(columnStream);
    this.#hash = new TransferHash(session);
  }

  /**
   * One transfer per byte of `choices`, each 0 or 1. `matrix` [otMatrixBytes] goes to the sender; `messages`
   * [16 * count bytes] are those of the choices. Throws 'crypto/input' on other bytes and at the session's limit.
   */
  extend(choices: Uint8Array): { matrix: Uint8Array; messages: Uint8Array } {
    const count = choices.length;
    checkBits(choices);
    const width = rowBytes(count);
    const first = this.#hash.take(8 * width);
    const packed = packBits(choices, width);
    const matrix = new Uint8Array(otMatrixBytes(count));
    const messages = new Uint8Array(BLOCK_BYTES * count);
    for (const { start, length } of blocksOf(width))
      inKernelMemory((memory) => {
        const bits = memory.bytes(length);
        bits.set(packed.subarray(start, start + length));
        const sent = memory.bytes(length);
        const own = memory.bytes(MATRIX_ROWS * length);
        for (let j = 0; j < MATRIX_ROWS; j++) {
          const row = own.subarray(j * length, (j + 1) * length);
          row.set(this.#zero[j].bytes(length));
          sent.set(this.#one[j].bytes(length));
          xorBlocks(sent, row);
          xorBlocks(sent, bits);
          matrix.set(sent, j * width + start);
        }
        const columns = memory.bytes(MATRIX_ROWS * length);
        transpose(own, columns);
        put(messages, start, this.#hash.of(columns, first + 8 * start, memory));
      });
    return { matrix, messages };
  }
}

/** The server's half: gets both messages of every transfer. */
export class RandomOtSender {
  readonly #choices: Uint8Array;
  readonly #secret: Uint8Array;
  readonly #columns: Prg[];
  readonly #hash: TransferHash;

  /** `choices` serve one sender only, as the receiver's pairs do. */
  constructor({ choices, seeds, session }: BaseOtChoices) {
    this.#choices = choices;
    this.#secret = packBits(choices, BLOCK_BYTES);
    this.#columns = seeds.map(columnStream);
    this.#hash = new TransferHash(session);
  }

  /**
   * Both messages [16 * count bytes each] of `count` transfers. Throws 'protocol/length' on a matrix of the
   * wrong size, 'crypto/input' at the session's limit.
   */
  extend(count: number, matrix: Uint8Array): { zero: Uint8Array; one: Uint8Array } {
    if (matrix.length !== otMatrixBytes(count))
      throw new SphynxError(
        'protocol/length',
        `OT matrix: expected ${otMatrixBytes(count)} bytes, got ${matrix.length}`,
      );
    const width = rowBytes(count);
    const first = this.#hash.take(8 * width);
    const zero = new Uint8Array(BLOCK_BYTES * count);
    const one = new Uint8Array(BLOCK_BYTES * count);
    for (const { start, length } of blocksOf(width))
      inKernelMemory((memory) => {
        const secret = memory.bytes(BLOCK_BYTES);
        secret.set(this.#secret);
        const received = memory.bytes(length);
        const rows = memory.bytes(MATRIX_ROWS * length);
        for (let j = 0; j < MATRIX_ROWS; j++) {
          const row = rows.subarray(j * length, (j + 1) * length);
          row.set(this.#columns[j].bytes(length));
          received.set(matrix.subarray(j * width + start, j * width + start + length));
          xorIf(this.#choices[j], row, received);
        }
        const columns = memory.bytes(MATRIX_ROWS * length);
        transpose(rows, columns);
        put(zero, start, this.#hash.of(columns, first + 8 * start, memory));
        xorEach(columns, secret);
        put(one, start, this.#hash.of(columns, first + 8 * start, memory));
      });
    return { zero, one };
  }
}

function columnStream(seed: Uint8Array): Prg {
  return new Prg(seed, 'ot-column');
}

/** Where the blocks of a matrix begin and how long they are, in bytes of its rows. */
function* blocksOf(width: number): Generator<{ start: number; length: number }> {
  for (let start = 0; start < width; start += BLOCK_WIDTH)
    yield { start, length: Math.min(BLOCK_WIDTH, width - start) };
}

/** Writes the hashes of the block at byte `start` of the rows into `messages`, without those of padding transfers. */
function put(messages: Uint8Array, start: number, hashes: Uint8Array): void {
  const offset = 8 * start * BLOCK_BYTES;
  messages.set(hashes.subarray(0, messages.length - offset), offset);
}

/** Looks at all bytes together, so that honest choices take the same path whatever they are. */
function checkBits(bits: Uint8Array): void {
  let all = 0;
  for (const bit of bits) all |= bit;
  if (all > 1) throw new SphynxError('crypto/input', 'OT choices: expected bytes 0 and 1');
}

/** Bytes 0 or 1 as bits, the first in the lowest bit of the first byte; zeros after the last. */
function packBits(bits: Uint8Array, length: number): Uint8Array {
  const packed = new Uint8Array(length);
  for (let i = 0; i < bits.length; i++) packed[i >> 3] |= bits[i] << (i & 7);
  return packed;
}
