import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, hashInputs, xorBlocks, xorEach } from '../../kernels/blocks.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { MATRIX_ROWS, transpose, xorIf } from '../../kernels/transpose.ts';
import { BlockCipher } from '../block-cipher.ts';
import { inKernelMemory } from '../hash.ts';
import { deriveSeed, Prg } from '../prg.ts';
import type { BaseOtChoices, BaseOtPairs } from './base-ot.ts';

/**
 * Random OT by extension (Ishai, Kilian, Nissim, Petrank, CRYPTO 2003), semi-honest. Row j of the matrix
 * belongs to base OT j, column i to transfer i. With T_j = G(k0_j) the receiver sends
 *
 *     U_j = G(k0_j) xor G(k1_j) xor choices
 *
 * and the sender gets Q_j = T_j xor s_j * choices, so that column i is q_i = t_i xor choice_i * s. The messages
 * are H(i, q_i) and H(i, q_i xor s); the receiver knows H(i, t_i). The streams G continue from call to call and
 * i counts on, so nothing repeats within a session; a session's state is never stored.
 */

/** Most transfers of one session: far below the 2^32 values of the hash's tweak. */
const SESSION_LIMIT = 2 ** 31;

/** Bytes of matrix for `count` transfers: 16 each, rounded up to whole blocks of 128 transfers. */
export function otMatrixBytes(count: number): number {
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

  constructor({ zero, one, session }: BaseOtPairs) {
    this.#zero = zero.map(columnStream);
    this.#one = one.map(columnStream);
    this.#hash = new TransferHash(session);
  }

  /**
   * One transfer per byte of `choices`, each 0 or 1. `matrix` [otMatrixBytes] goes to the sender; `messages`
   * [16 * count bytes] are those of the choices.
   */
  extend(choices: Uint8Array): { matrix: Uint8Array; messages: Uint8Array } {
    const count = choices.length;
    const width = rowBytes(count);
    const first = this.#hash.take(8 * width);
    return inKernelMemory((memory) => {
      const bits = memory.bytes(width);
      bits.set(packBits(choices, width));
      const own = memory.bytes(MATRIX_ROWS * width);
      const sent = memory.bytes(MATRIX_ROWS * width);
      for (let j = 0; j < MATRIX_ROWS; j++) {
        const row = sent.subarray(j * width, (j + 1) * width);
        own.set(this.#zero[j].bytes(width), j * width);
        row.set(this.#one[j].bytes(width));
        xorBlocks(row, bits);
      }
      xorBlocks(sent, own);
      const columns = memory.bytes(8 * width * BLOCK_BYTES);
      transpose(own, columns);
      const messages = this.#hash.of(columns, first, memory);
      return { matrix: sent.slice(), messages: messages.slice(0, count * BLOCK_BYTES) };
    });
  }
}

/** The server's half: gets both messages of every transfer. */
export class RandomOtSender {
  readonly #choices: Uint8Array;
  readonly #columns: Prg[];
  readonly #hash: TransferHash;

  constructor({ choices, seeds, session }: BaseOtChoices) {
    this.#choices = choices;
    this.#columns = seeds.map(columnStream);
    this.#hash = new TransferHash(session);
  }

  /** Both messages [16 * count bytes each] of `count` transfers. Throws 'protocol/length' on a matrix of the wrong size. */
  extend(count: number, matrix: Uint8Array): { zero: Uint8Array; one: Uint8Array } {
    if (matrix.length !== otMatrixBytes(count))
      throw new SphynxError(
        'protocol/length',
        `OT matrix: expected ${otMatrixBytes(count)} bytes, got ${matrix.length}`,
      );
    const width = rowBytes(count);
    const first = this.#hash.take(8 * width);
    return inKernelMemory((memory) => {
      const received = memory.bytes(matrix.length);
      received.set(matrix);
      const rows = memory.bytes(matrix.length);
      for (let j = 0; j < MATRIX_ROWS; j++) {
        const row = rows.subarray(j * width, (j + 1) * width);
        row.set(this.#columns[j].bytes(width));
        xorIf(this.#choices[j], row, received.subarray(j * width, (j + 1) * width));
      }
      const columns = memory.bytes(8 * width * BLOCK_BYTES);
      transpose(rows, columns);
      const zero = this.#hash.of(columns, first, memory).slice(0, count * BLOCK_BYTES);
      const secret = memory.bytes(BLOCK_BYTES);
      secret.set(packBits(this.#choices, BLOCK_BYTES));
      xorEach(columns, secret);
      const one = this.#hash.of(columns, first, memory).slice(0, count * BLOCK_BYTES);
      return { zero, one };
    });
  }
}

/** H_K(x, i) of crypto/hash.ts, K bound to the session, i counting all transfers of the session. */
class TransferHash {
  readonly #cipher: BlockCipher;
  #next = 0;

  constructor(session: Uint8Array) {
    this.#cipher = new BlockCipher(deriveSeed(session, 'transfer-hash').subarray(0, 16));
  }

  /** Reserves `count` tweaks and returns the first. */
  take(count: number): number {
    const first = this.#next;
    if (first + count > SESSION_LIMIT)
      throw new SphynxError('crypto/input', 'this session has made all its transfers; open a new one');
    this.#next += count;
    return first;
  }

  of(columns: Uint8Array, first: number, memory: KernelMemory): Uint8Array {
    const inputs = memory.bytes(columns.length);
    const hashes = memory.bytes(columns.length);
    hashInputs(columns, inputs, first);
    this.#cipher.encrypt(inputs, hashes);
    xorBlocks(hashes, inputs);
    return hashes;
  }
}

function columnStream(seed: Uint8Array): Prg {
  return new Prg(seed, 'ot-column');
}

/** Bytes 0 or 1 as bits, the first in the lowest bit of the first byte; zeros after the last. */
function packBits(bits: Uint8Array, length: number): Uint8Array {
  const packed = new Uint8Array(length);
  for (let i = 0; i < bits.length; i++) packed[i >> 3] |= bits[i] << (i & 7);
  return packed;
}
