import { kernels } from '../../kernels/load.ts';
import { DEGREE } from './parameters.ts';
import { BOTH, newResidues, newWords, type Residues, ring } from './ring.ts';

/**
 * Decrypts a returned ciphertext `wire` [c1, N words, then `kept.length` words of c0]: out[i] = c0 + c1 s mod 2^32 at coefficient
 * kept[i]. `minus`: -s, transformed.
 *
 * The product is that of integers, exactly, whatever words the server sends: c1's are in 0..2^32 - 1 and s has at most N
 * coefficients that are not 0, all of them 1 or -1, so |c1 s| < 2^44. The product modulo both primes
 * determines every integer below Q / 2, which is more than 2^52.
 */
export function decrypt(wire: Uint8Array, kept: Uint32Array, minus: Residues): Uint32Array {
  const { memory } = kernels();
  return memory.scope(() => {
    const { ntt, products, pair } = ring();
    const received = memory.bytes(wire.length);
    received.set(wire);
    const words = new Uint32Array(received.buffer, received.byteOffset, wire.length / 4);
    const [c1, c0] = [words.subarray(0, DEGREE), words.subarray(DEGREE)];
    const [residues, product] = [newResidues(), newWords()];
    for (const i of BOTH) {
      pair.reduce(c1, i, residues[i]);
      ntt[i].forward(residues[i]);
      products[i].sum([[residues[i], minus[i]]], residues[i]);
      ntt[i].inverse(residues[i]);
    }
    pair.join(residues[0], residues[1], product);
    const out = new Uint32Array(kept.length);
    for (let i = 0; i < out.length; i++) out[i] = c0[i] - product[kept[i]];
    return out;
  });
}
