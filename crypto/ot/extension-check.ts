import { sha256 } from '#platform/digest';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { BLOCK_BYTES, xorBlocks, xorChosen } from '../../kernels/blocks.ts';
import {
  CHECK_ROW_BYTES,
  CHECK_ROWS,
  COLUMN_GROUP,
  foldChoices,
  foldColumns,
} from '../../kernels/column-check.ts';
import type { KernelMemory } from '../../kernels/memory.ts';
import { inKernelMemory } from '../hash.ts';
import { Prg, SEED_BYTES } from '../prg.ts';
import { type OtTreeBits, otMatrixBytes } from './correlated-ot.ts';

/**
 * The consistency check of extended OTs (SoftSpokenOT: Roy, CRYPTO 2022, against malicious receivers). A receiver whose
 * rows of a matrix encode different choices would learn bits of Delta from the sender's later behaviour.
 *
 * The columns of some matrices are checked together, and with them 64 columns of random choices that are used for
 * nothing else. After all matrices the sender draws a challenge, from which both expand a random binary matrix R of 64
 * rows over all columns. Over the 64 spare columns R is the identity. The receiver, which holds columns V for its
 * choices x, sends R x and a hash of R V. The sender holds W = V + x Delta and compares with the hash of R W + (R x)
 * Delta.
 *
 * Security: the spare choices hide all of R x. Rows that encode choices x' <> x give the same R x' with probability
 * 2^-64; otherwise they pass only if the receiver has guessed the bits of Delta that belong to these rows: for trees of
 * depth k a guess is right with probability 2^-k per tree (the first bit of all is fixed), and a wrong one ends the
 * session. (A random R over the spare columns too would be singular in 71 of 100 cases, and would tell sums of choices.)
 */

/** Columns of random choices per check. */
export const SPARE_TRANSFERS = CHECK_ROWS;

/** Bytes of the sender's challenge. */
export const CHALLENGE_BYTES = SEED_BYTES;

const CHOICE_BYTES = CHECK_ROWS / 8;
const HASH_BYTES = 32;

/** Bytes of the receiver's proof: R x and the hash of R V. */
export const PROOF_BYTES = CHOICE_BYTES + HASH_BYTES;

/** Bytes of matrices, challenge and proof for runs of so many transfers that are checked together. Up: the receiver's. */
export function checkedTransferBytes(
  runs: readonly number[],
  treeBits: OtTreeBits,
): { up: number; down: number } {
  if (runs.length === 0) return { up: 0, down: 0 };
  const matrices = [...runs, SPARE_TRANSFERS].map((count) => otMatrixBytes(count, treeBits));
  return { up: matrices.reduce((sum, bytes) => sum + bytes, PROOF_BYTES), down: CHALLENGE_BYTES };
}

/** The receiver's columns and choices of one matrix. */
export interface ChosenLabels {
  /** A byte 0 or 1 per transfer. */
  readonly choices: Uint8Array;
  /** [16 bytes per transfer] */
  readonly labels: Uint8Array;
}

/** Columns per pass through the kernel memory, whole groups: columns and rows stay in the processor's cache. */
const PASS_COLUMNS = 2048;

/**
 * The receiver's proof for matrices that are extended already. `challenge`: the sender's; `spare`: SPARE_TRANSFERS
 * transfers of random choices. Throws 'crypto/input' if they are not that many.
 */
export function proveChoices(
  challenge: Uint8Array,
  runs: readonly ChosenLabels[],
  spare: ChosenLabels,
): Uint8Array {
  checkSpare(spare.labels);
  return inKernelMemory((memory) => {
    const bits = memory.bytes(CHECK_ROWS);
    bits.set(spare.choices);
    const sums = sumsOf(memory, challenge, runs, spare.labels, ({ choices }, start, end, rows) => {
      foldChoices(padded(memory, choices.subarray(start, end), 1), rows, bits);
    });
    const proof = new Uint8Array(PROOF_BYTES);
    for (let j = 0; j < CHECK_ROWS; j++) proof[j >> 3] |= bits[j] << (j & 7);
    proof.set(digest(sums), CHOICE_BYTES);
    return proof;
  });
}

/**
 * The sender's check. `zero`: its labels for 0 of each matrix; `spareZero`: of the spare transfers; `delta`: the
 * session's. Throws 'protocol/inconsistent' if the receiver's choices are not the same in all rows, and
 * 'protocol/length' if the proof has another length. The session must then end, because the receiver could otherwise
 * guess again.
 */
export function checkChoices(
  challenge: Uint8Array,
  zero: readonly Uint8Array[],
  spareZero: Uint8Array,
  delta: Uint8Array,
  proof: Uint8Array,
): void {
  checkSpare(spareZero);
  if (proof.length !== PROOF_BYTES)
    throw new SphynxError(
      'protocol/length',
      `OT check: expected a proof of ${PROOF_BYTES} bytes, got ${proof.length}`,
    );
  const computed = inKernelMemory((memory) => {
    const sums = sumsOf(
      memory,
      challenge,
      zero.map((labels) => ({ labels })),
      spareZero,
    );
    const claimed = memory.bytes(CHECK_ROWS);
    for (let j = 0; j < CHECK_ROWS; j++) claimed[j] = (proof[j >> 3] >> (j & 7)) & 1;
    const deltas = memory.bytes(CHECK_ROWS * BLOCK_BYTES);
    for (let j = 0; j < CHECK_ROWS; j++) deltas.set(delta, j * BLOCK_BYTES);
    xorChosen(sums, claimed, deltas);
    return digest(sums);
  });
  let difference = 0;
  for (const [i, byte] of computed.entries()) difference |= byte ^ proof[CHOICE_BYTES + i];
  if (difference !== 0)
    throw new SphynxError(
      'protocol/inconsistent',
      'the choices of the oblivious transfers contradict each other; this session ends, open a new one',
    );
}

/** R times the columns of all runs, then of the spare ones [64 blocks in kernel memory]. `also` sees every pass. */
function sumsOf<Run extends { readonly labels: Uint8Array }>(
  memory: KernelMemory,
  challenge: Uint8Array,
  runs: readonly Run[],
  spare: Uint8Array,
  also?: (run: Run, start: number, end: number, rows: Uint8Array) => void,
): Uint8Array {
  const sums = memory.bytes(CHECK_ROWS * BLOCK_BYTES).fill(0);
  const matrix = new Prg(challenge, 'ot-check');
  for (const run of runs) {
    const count = run.labels.length / BLOCK_BYTES;
    for (let start = 0; start < count; start += PASS_COLUMNS) {
      const end = Math.min(count, start + PASS_COLUMNS);
      memory.scope(() => {
        const columns = padded(
          memory,
          run.labels.subarray(BLOCK_BYTES * start, BLOCK_BYTES * end),
          BLOCK_BYTES,
        );
        const rows = memory.bytes((columns.length / BLOCK_BYTES / COLUMN_GROUP) * CHECK_ROW_BYTES);
        matrix.fill(rows);
        foldColumns(columns, rows, sums);
        also?.(run, start, end, rows);
      });
    }
  }
  matrix.close();
  const own = memory.bytes(spare.length);
  own.set(spare);
  xorBlocks(sums, own);
  return sums;
}

/** A copy in kernel memory, filled up with zeros to whole groups. `size`: bytes per column. */
function padded(memory: KernelMemory, values: Uint8Array, size: number): Uint8Array {
  const group = size * COLUMN_GROUP;
  const copy = memory.bytes(Math.ceil(values.length / group) * group);
  copy.set(values);
  copy.fill(0, values.length);
  return copy;
}

function digest(sums: Uint8Array): Uint8Array {
  return sha256('ot-check', sums);
}

function checkSpare(labels: Uint8Array): void {
  if (labels.length !== SPARE_TRANSFERS * BLOCK_BYTES)
    throw new SphynxError(
      'crypto/input',
      `expected ${SPARE_TRANSFERS} spare transfers, got ${labels.length / BLOCK_BYTES}`,
    );
}
