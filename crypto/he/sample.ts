import { kernels } from '../../kernels/load.ts';
import {
  BINOMIAL_BYTES,
  sampleBelow,
  sampleBinomial,
  sampleTernary,
  TERNARY_BYTES,
} from '../../kernels/samplers.ts';
import { KeyStream } from '../key-stream.ts';
import type { Prg } from '../prg.ts';
import { DEGREE, PRIMES, SEED_BYTES } from './parameters.ts';
import { newSigned, type Residues } from './ring.ts';

/** A secret polynomial of coefficients -1, 0 and 1, each of probability 1/3, in the kernel memory's scope. */
export function ternary(prg: Prg): Int32Array {
  const out = newSigned();
  fromBytes(prg, TERNARY_BYTES, (random) => sampleTernary(random, out));
  return out;
}

/** A secret polynomial of errors: centred binomial, standard deviation 3.24, as SEAL's. */
export function binomial(prg: Prg): Int32Array {
  const out = newSigned();
  fromBytes(prg, BINOMIAL_BYTES, (random) => sampleBinomial(random, out));
  return out;
}

function fromBytes(prg: Prg, perCoefficient: number, sample: (random: Uint8Array) => void): void {
  const { memory } = kernels();
  memory.scope(() => {
    const random = memory.bytes(perCoefficient * DEGREE);
    prg.fill(random);
    sample(random);
  });
}

/** Words that are drawn at once beyond those still missing: more than one in 2^10 is refused by neither prime. */
const SPARE = 64;

/**
 * The public polynomial of a seed [SEED_BYTES], uniform modulo Q, in transformed form: AES-128 in counter mode from 0 under the
 * seed, 32-bit words of it, those whose low 27 bits are below the prime; the first prime's, then the second's. Words are
 * drawn in runs of as many as are missing and SPARE more; what a run has too many of is left out.
 */
export function expandUniform(seed: Uint8Array, out: Residues): void {
  const stream = new KeyStream(seed, new Uint8Array(SEED_BYTES));
  for (const [i, q] of PRIMES.entries())
    for (let written = 0; written < DEGREE; ) {
      const { memory } = kernels();
      memory.scope(() => {
        const random = memory.u32(DEGREE - written + SPARE);
        stream.fill(new Uint8Array(random.buffer, random.byteOffset, random.byteLength));
        written += sampleBelow(random, out[i].subarray(written), q);
      });
    }
  stream.close();
}
