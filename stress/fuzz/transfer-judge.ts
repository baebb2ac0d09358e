import { otMatrixBytes } from '../../crypto/ot/correlated-ot.ts';
import { SPARE_TRANSFERS } from '../../crypto/ot/extension-check.ts';
import { OT_TREE_BITS, type Plan, transferRuns } from '../../protocol/plan.ts';

/** A changed piece of a layer's matrices: `data` in place of `honest`, at byte `offset`. */
export interface MatrixPiece {
  readonly layer: number;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly honest: Uint8Array;
}

/**
 * Decides which changes of a client's oblivious transfers a server must refuse. A server with the recorded session has
 * the recorded Delta and draws the recorded challenges, so this is known for every bit.
 */
export class TransferJudge {
  readonly #plan: Plan;
  readonly #delta: Uint8Array | undefined;
  readonly #contradictory = new Set<number>();

  /** `delta`: the recorded Delta [16 bytes], or undefined if the server has another session. */
  constructor(plan: Plan, delta: Uint8Array | undefined) {
    this.#plan = plan;
    this.#delta = delta;
  }

  /** Whether trees are refused: all except the recorded ones, and these too with other base OTs. */
  refusesTrees(data: Uint8Array, honest: Uint8Array): boolean {
    return this.#delta === undefined || !same(data, honest);
  }

  /** Takes a piece of the matrices, which is not refused before the proof. */
  takeMatrix(piece: MatrixPiece): void {
    if (this.#delta && contradicts(this.#plan, this.#delta, piece)) this.#contradictory.add(piece.layer);
  }

  /**
   * Whether the proof of a layer is refused: any except the recorded one, and this one too if the matrices do not
   * encode one set of choices.
   */
  refusesProof(layer: number, data: Uint8Array, honest: Uint8Array): boolean {
    return this.#contradictory.has(layer) || !same(data, honest);
  }
}

/**
 * Whether a change contradicts the recorded proof. A row belongs to a tree, and changes a column of the server by the
 * tree's bits of Delta: not at all if these are 0, which is a cheater's lucky guess. The bits of a row after its
 * transfers are padding. Any other change fails the check, except for 1 of 2^64 challenges.
 */
function contradicts(plan: Plan, delta: Uint8Array, { layer, offset, data, honest }: MatrixPiece): boolean {
  let start = 0;
  for (const count of [...transferRuns(plan.layers[layer]), SPARE_TRANSFERS]) {
    const end = start + otMatrixBytes(count, OT_TREE_BITS);
    const row = (end - start) / (128 / OT_TREE_BITS);
    for (let place = Math.max(start, offset); place < Math.min(end, offset + data.length); place++) {
      const change = data[place - offset] ^ honest[place - offset];
      const tree = Math.floor((place - start) / row);
      const transfers = count - 8 * ((place - start) % row);
      const counts = transfers >= 8 ? 255 : transfers > 0 ? (1 << transfers) - 1 : 0;
      if ((change & counts) !== 0 && treeBitsOf(delta, tree) !== 0) return true;
    }
    start = end;
  }
  return false;
}

/** The bits of Delta that belong to a tree. */
function treeBitsOf(delta: Uint8Array, tree: number): number {
  const first = tree * OT_TREE_BITS;
  return (delta[first >> 3] >> (first & 7)) & ((1 << OT_TREE_BITS) - 1);
}

function same(data: Uint8Array, honest: Uint8Array): boolean {
  return Buffer.compare(data, honest) === 0;
}
