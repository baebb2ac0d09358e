import { BlockCipher } from '../block-cipher.ts';
import type { GateHash } from '../hash.ts';
import { deriveSeed, Prg } from '../prg.ts';
import { LABEL_BYTES } from './gadget.ts';

/** Most digits that a gadget has. */
const DIGITS = 20;

/** Delta, the difference of the two labels of every wire of a bundle; its colour bit is 1. */
export function bundleDelta(bundleSeed: Uint8Array): Uint8Array {
  const delta = deriveSeed(bundleSeed, 'delta').slice(0, LABEL_BYTES);
  delta[0] |= 1;
  return delta;
}

/**
 * The garbler's secrets of one layer of one bundle. Everything is derived from the layer's seed, so that the
 * online phase needs no memory of the offline phase.
 */
export class GarblerKeys {
  readonly delta: Uint8Array;
  readonly hash: GateHash;
  readonly #seed: Uint8Array;
  readonly #digitCiphers: BlockCipher[];

  /** `seed`: of this layer, used once; `delta`: of the bundle; `hash`: of this layer and bundle. */
  constructor(seed: Uint8Array, delta: Uint8Array, hash: GateHash) {
    this.delta = delta;
    this.hash = hash;
    this.#seed = seed;
    const keys = new Prg(seed, 'digit-keys').bytes(16 * DIGITS);
    this.#digitCiphers = Array.from(
      { length: DIGITS },
      (_, d) => new BlockCipher(keys.subarray(16 * d, 16 * d + 16)),
    );
  }

  /** The pseudorandom function from counter blocks to digit keys; also the zero labels of one-bit digits. */
  digitCipher(digit: number): BlockCipher {
    return this.#digitCiphers[digit];
  }

  /** One random block per element of a chunk: the order of its digit keys. */
  permutations(first: number, count: number): Uint8Array {
    return new Prg(this.#seed, `permutations/${first}`).bytes(LABEL_BYTES * count);
  }

  /** The output masks of a chunk, one word per decode table and element, position-major. */
  partialMasks(first: number, count: number, tables: number): Uint32Array {
    return new Prg(this.#seed, `output-masks/${first}`).words(tables * count);
  }
}
