/** SEAL's objects to the wire and back (lengths: `parameters.ts`). Wire bytes have been checked for length by the callers. */
import { kernels } from '../../kernels/load.ts';
import { PrimePair, packBits, unpackBits } from '../../kernels/residues.ts';
import {
  DATA_PRIMES,
  DEGREE,
  DROPPED_BITS,
  packedBytes,
  RESIDUE_BITS,
  RETURNED_BITS,
  SEED_BYTES,
} from './parameters.ts';
import type { Seal, Seeded } from './seal.ts';

const POLYNOMIAL_BYTES = 8 * DEGREE;
const returned = new PrimePair(DATA_PRIMES[0], DATA_PRIMES[1]);

/** A seeded object of SEAL's as it is sent: packed residues and the seed. */
export function seededToWire(saved: Uint8Array, { prefix, words }: Seeded): Uint8Array {
  const length = packedBytes(words, RESIDUE_BITS);
  const wire = new Uint8Array(length + SEED_BYTES);
  wire.set(saved.subarray(saved.length - SEED_BYTES), length);
  const { memory } = kernels();
  memory.scope(() => {
    const residues = memory.bytes(8 * words);
    const packed = memory.bytes(length);
    residues.set(saved.subarray(prefix.length, prefix.length + 8 * words));
    packBits(residues, words, RESIDUE_BITS, packed);
    wire.set(packed);
  });
  return wire;
}

/** The seeded object that was sent; SEAL's own checks still have to be made. */
export function seededFromWire(wire: Uint8Array, { prefix, words, middle }: Seeded): Uint8Array {
  const length = packedBytes(words, RESIDUE_BITS);
  const saved = new Uint8Array(prefix.length + 8 * words + middle.length + SEED_BYTES);
  saved.set(prefix);
  const { memory } = kernels();
  memory.scope(() => {
    const packed = memory.bytes(length);
    const residues = memory.bytes(8 * words);
    packed.set(wire.subarray(0, length));
    unpackBits(packed, words, RESIDUE_BITS, residues);
    saved.set(residues, prefix.length);
  });
  saved.set(middle, prefix.length + 8 * words);
  saved.set(wire.subarray(length), saved.length - SEED_BYTES);
  return saved;
}

/** SEAL's plaintext with these coefficients [N]. */
export function plaintextBytes({ prefixes }: Seal, coefficients: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(prefixes.plaintext.length + POLYNOMIAL_BYTES);
  const words = new Uint32Array(2 * DEGREE);
  for (let i = 0; i < DEGREE; i++) words[2 * i] = coefficients[i];
  bytes.set(prefixes.plaintext);
  bytes.set(new Uint8Array(words.buffer), prefixes.plaintext.length);
  return bytes;
}

/** The coefficients [N] of a saved plaintext; SEAL leaves leading zeros out. */
export function plaintextCoefficients({ prefixes }: Seal, saved: Uint8Array): Uint32Array {
  const words = new Uint32Array(2 * DEGREE);
  new Uint8Array(words.buffer).set(saved.subarray(prefixes.plaintext.length));
  return Uint32Array.from({ length: DEGREE }, (_, i) => words[2 * i]);
}

/** A switched ciphertext as it is returned: c1 whole, c0 at the `kept` coefficients only, all rounded. */
export function switchedToWire({ prefixes }: Seal, saved: Uint8Array, kept: Uint32Array): Uint8Array {
  const { memory } = kernels();
  return memory.scope(() => {
    const rounded = (polynomial: number) => {
      const residues = [0, 1].map((prime) => {
        const view = memory.bytes(POLYNOMIAL_BYTES);
        const start = prefixes.switched.length + (2 * polynomial + prime) * POLYNOMIAL_BYTES;
        view.set(saved.subarray(start, start + POLYNOMIAL_BYTES));
        return view;
      });
      const out = memory.bytes(POLYNOMIAL_BYTES);
      returned.round(residues[0], residues[1], DROPPED_BITS, out);
      return out;
    };
    const [c0, c1] = [rounded(0), rounded(1)];
    const some = memory.bytes(8 * kept.length);
    for (const [i, k] of kept.entries()) some.set(c0.subarray(8 * k, 8 * k + 8), 8 * i);
    const whole = packedBytes(DEGREE, RETURNED_BITS);
    const wire = memory.bytes(whole + packedBytes(kept.length, RETURNED_BITS));
    packBits(c1, DEGREE, RETURNED_BITS, wire);
    packBits(some, kept.length, RETURNED_BITS, wire.subarray(whole));
    return wire.slice();
  });
}

/** The returned ciphertext in SEAL's form; coefficients of c0 that were not sent are 0 and decrypt to nothing. */
export function switchedFromWire({ prefixes }: Seal, wire: Uint8Array, kept: Uint32Array): Uint8Array {
  const { memory } = kernels();
  const saved = new Uint8Array(prefixes.switched.length + 4 * POLYNOMIAL_BYTES);
  saved.set(prefixes.switched);
  memory.scope(() => {
    const packed = memory.bytes(wire.length);
    packed.set(wire);
    const [c0, c1] = [memory.bytes(POLYNOMIAL_BYTES).fill(0), memory.bytes(POLYNOMIAL_BYTES)];
    const some = memory.bytes(8 * kept.length);
    unpackBits(packed, DEGREE, RETURNED_BITS, c1);
    unpackBits(packed.subarray(packedBytes(DEGREE, RETURNED_BITS)), kept.length, RETURNED_BITS, some);
    for (const [i, k] of kept.entries()) c0.set(some.subarray(8 * i, 8 * i + 8), 8 * k);
    for (const [polynomial, words] of [c0, c1].entries()) {
      const [first, second] = [memory.bytes(POLYNOMIAL_BYTES), memory.bytes(POLYNOMIAL_BYTES)];
      returned.shift(words, DROPPED_BITS, first, second);
      saved.set(first, prefixes.switched.length + 2 * polynomial * POLYNOMIAL_BYTES);
      saved.set(second, prefixes.switched.length + (2 * polynomial + 1) * POLYNOMIAL_BYTES);
    }
  });
  return saved;
}
