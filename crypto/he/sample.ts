import { KeyStream } from '#crypto/key-stream';
import { kernels } from '../../kernels/load.ts';
import {
  BINOMIAL_BYTES,
  sampleBelow,
  sampleBinomial,
  sampleTernary,
  TERNARY_BYTES,
} from '../../kernels/samplers.ts';
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

/** Words that are drawn at once beyond those still missing: fewer than one in 2^10 is not below its prime. */
const SPARE = 64;

/**
 * The public polynomials of a seed, uniform modulo Q, one after another, in transformed form. Their words are those of AES-128 in
 * counter mode from 0 under the seed, 32 bits each, whose low 27 bits are below the prime: first the first prime's, then
 * the second's. Words are drawn in runs of as many as are missing and SPARE more; what a run has too many of is left out.
 */
export class UniformStream {
  readonly #stream: KeyStream;

  /** `seed`: SEED_BYTES. */
  constructor(seed: Uint8Array) {
    this.#stream = new KeyStream(seed, new Uint8Array(SEED_BYTES));
  }

  /** Writes the next polynomial. */
  next(out: Residues): void {
    const { memory } = kernels();
    memory.scope(() => {
      const run = memory.u32(DEGREE + SPARE);
      for (const [i, q] of PRIMES.entries())
        for (let written = 0; written < DEGREE; ) {
          const random = run.subarray(0, DEGREE - written + SPARE);
          this.#stream.fill(new Uint8Array(random.buffer, random.byteOffset, random.byteLength));
          written += sampleBelow(random, out[i].subarray(written), q);
        }
    });
  }

  /** Frees the stream, which must not be used afterwards. */
  close(): void {
    this.#stream.close();
  }
}

/** The first polynomial of a seed. */
export function expandUniform(seed: Uint8Array, out: Residues): void {
  const stream = new UniformStream(seed);
  stream.next(out);
  stream.close();
}
