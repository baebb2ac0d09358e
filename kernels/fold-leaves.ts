import { BLOCK_BYTES } from './blocks.ts';
import { kernels } from './load.ts';

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/**
 * Sums over the rows that the 2^treeBits leaves of one tree expand to. All in kernel memory, in rows of whole
 * blocks, each as long as `sum`; leaves[x] is row x of `leaves`:
 *
 *     rows[l] = sum of leaves[x] over all x with bit l of x clear, l < treeBits
 *     sum     = sum of all leaves[x]
 */
export function foldLeaves(treeBits: 1 | 2 | 4, leaves: Uint8Array, rows: Uint8Array, sum: Uint8Array): void {
  const { fold2Leaves, fold4Leaves, fold16Leaves } = kernels().call;
  const fold = { 1: fold2Leaves, 2: fold4Leaves, 4: fold16Leaves }[treeBits];
  fold(at(leaves), at(rows), at(sum), sum.length / BLOCK_BYTES);
}
