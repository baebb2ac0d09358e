import { kernels } from '../../kernels/load.ts';
import type { Prg } from '../prg.ts';
import { BOTH, newResidues, newWords, type Residues, ring } from './ring.ts';
import { binomial, type UniformStream } from './sample.ts';
import { writeResidues } from './wire.ts';

/**
 * Encrypts `plaintext` [N words mod t = 2^32, kernel memory] to `wire` [INPUT_CIPHERTEXT_BYTES]:
 *
 *     c1 = a, the next of `uniform`        c0 = round(Q m / t) + e - a s
 *
 * both transformed, so that the server need not do it. c0 alone is written. `minus`: -s, transformed.
 */
export function encrypt(
  plaintext: Uint32Array,
  minus: Residues,
  uniform: UniformStream,
  prg: Prg,
  wire: Uint8Array,
): void {
  kernels().memory.scope(() => {
    const { ntt, products, pair } = ring();
    const [c0, c1, product] = [newResidues(), newResidues(), newWords()];
    uniform.next(c1);
    const errors = binomial(prg);
    for (const i of BOTH) {
      pair.scaleUp(plaintext, errors, i, c0[i]);
      ntt[i].forward(c0[i]);
      products[i].sum([[c1[i], minus[i]]], product);
      ntt[i].add(c0[i], product);
    }
    writeResidues(c0, wire);
  });
}
