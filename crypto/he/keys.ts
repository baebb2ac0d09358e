import { SphynxError } from '../../errors/sphynx-error.ts';
import { kernels } from '../../kernels/load.ts';
import type { Prg } from '../prg.ts';
import { PUBLIC_KEY_BYTES } from './parameters.ts';
import { BOTH, newResidues, newSigned, newWords, type Residues, ring, transformSigned } from './ring.ts';
import { binomial, expandUniform, ternary } from './sample.ts';
import { writeResidues } from './wire.ts';

/** The client's secret key s, a ternary polynomial. It is held transformed and with its sign changed, outside the kernel memory. */
export class SecretKey {
  readonly #minus: Residues;
  #closed = false;

  /** A fresh key. */
  static generate(prg: Prg): SecretKey {
    return kernels().memory.scope(() => new SecretKey(ternary(prg)));
  }

  /** `coefficients`: -1, 0 and 1, in kernel memory. */
  constructor(coefficients: Int32Array) {
    this.#minus = kernels().memory.scope(() => {
      const transformed = newResidues();
      const negated = newSigned();
      for (let i = 0; i < negated.length; i++) negated[i] = 0 - coefficients[i];
      transformSigned(negated, transformed);
      return [transformed[0].slice(), transformed[1].slice()];
    });
  }

  /** -s, transformed, in the scope of kernel memory. Throws 'protocol/order' once the key is closed. */
  minus(): Residues {
    // Under a key of zeros, ciphertexts would be plain.
    if (this.#closed) throw new SphynxError('protocol/order', 'the session is closed; open a new one');
    const copy = newResidues();
    for (const i of BOTH) copy[i].set(this.#minus[i]);
    return copy;
  }

  /** Overwrites the key, which is refused afterwards. */
  close(): void {
    this.#closed = true;
    for (const words of this.#minus) words.fill(0);
  }
}

/**
 * The client's half of the public key as it is sent: p0 = e - p1 s, where p1 is the polynomial of a seed that the server has
 * chosen. A client that chose p1 itself could read the server's kernels off returned ciphertexts.
 */
export function publicKey(key: SecretKey, serverSeed: Uint8Array, prg: Prg): Uint8Array {
  const wire = new Uint8Array(PUBLIC_KEY_BYTES);
  kernels().memory.scope(() => {
    const { ntt, products } = ring();
    const [p0, p1, product] = [newResidues(), newResidues(), newWords()];
    expandUniform(serverSeed, p1);
    transformSigned(binomial(prg), p0);
    const minus = key.minus();
    for (const i of BOTH) {
      products[i].sum([[p1[i], minus[i]]], product);
      ntt[i].add(p0[i], product);
    }
    writeResidues(p0, wire);
  });
  return wire;
}
