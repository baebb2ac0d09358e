import { kernels } from '../../kernels/load.ts';
import type { Prg } from '../prg.ts';
import { addProducts, type Ciphertext } from './evaluate.ts';
import { DEGREE } from './parameters.ts';
import type { OutputPositions } from './positions.ts';
import { BOTH, newResidues, newWords, type Residues, ring, transformSigned } from './ring.ts';
import { binomial, ternary } from './sample.ts';

/**
 * Makes a sum of products private and brings it down to the modulus 2^32:
 *
 *     c0' = round(2^32 / Q (c0 + p0 u)) + mask        c1' = round(2^32 / Q (c1 + p1 u + e1))
 *
 * with u ternary and e1 small, both fresh. Of c0' only the coefficients that carry outputs are written, to which the mask
 * adds a word that is uniform mod 2^32: whatever ciphertexts and whatever p0 the client has sent, it learns nothing from
 * them while it prepares. (Where it later gets logits, it learns the sum of the last layer, whatever it has encrypted.)
 * c1' is a function of c1 + p1 u + e1, which by the ring-LWE assumption looks uniform, for p1 was not chosen by the client. So no
 * third error is needed in c0, and no flooding.
 *
 * `product` is overwritten; `key` is (p0, p1), transformed; `mask` [output elements]; `wire` as in decrypt.ts.
 */
export function hide(
  product: Ciphertext,
  key: Ciphertext,
  { coefficients, elements }: OutputPositions,
  mask: Uint32Array,
  prg: Prg,
  wire: Uint8Array,
): void {
  const { memory } = kernels();
  memory.scope(() => {
    const { ntt } = ring();
    const factor = newResidues();
    transformSigned(ternary(prg), factor);
    addProducts([key], [factor], product);
    for (const half of product) for (const i of BOTH) ntt[i].inverse(half[i]);
    addSmall(binomial(prg), product[1]);
    const words = newWords();
    const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    scaleDown(product[1], words);
    wire.set(bytes);
    scaleDown(product[0], words);
    for (let i = 0; i < elements.length; i++) words[i] = words[coefficients[i]] + mask[elements[i]];
    wire.set(bytes.subarray(0, 4 * elements.length), 4 * DEGREE);
  });
}

function addSmall(small: Int32Array, sum: Residues): void {
  const { ntt } = ring();
  const lifted = newWords();
  for (const i of BOTH) {
    ntt[i].liftSigned(small, lifted);
    ntt[i].add(sum[i], lifted);
  }
}

function scaleDown(residues: Residues, out: Uint32Array): void {
  ring().pair.scaleDown(residues[0], residues[1], out);
}
