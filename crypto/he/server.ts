import { SphynxError } from '../../errors/sphynx-error.ts';
import { kernels } from '../../kernels/load.ts';
import { Prg, randomSeed } from '../prg.ts';
import { CIPHERTEXT_WORDS, type EncryptedTensor, multiply, newCiphertext } from './evaluate.ts';
import { hide } from './hide.ts';
import { KernelCache } from './kernel-cache.ts';
import {
  DEGREE,
  INPUT_CIPHERTEXT_BYTES,
  outputCiphertextBytes,
  PUBLIC_KEY_BYTES,
  SEED_BYTES,
} from './parameters.ts';
import type { PartPacking, TensorPacking } from './plan.ts';
import { outputPositions } from './positions.ts';
import { UniformStream } from './sample.ts';
import { checkLength, readResidues } from './wire.ts';

export type { EncryptedTensor };

/**
 * Server's half of the linear layers offline: W Enc(r) + s, which reveals nothing about W to the client
 * (docs/protocol.md, section 2.4). It knows only the client's half of the public key.
 */
export class HeServer {
  readonly #key: Uint32Array;
  readonly #prg: Prg;
  readonly #cache: KernelCache;

  /**
   * `seed` [SEED_BYTES]: of this server's half of the public key, fresh from the CSPRNG for every client. `publicKey`: the client's
   * half. `cache` may serve many servers, of one thread. `secretSeed` is given in tests only. Throws 'crypto/parameters' if the
   * client's half is not well-formed.
   */
  constructor(
    seed: Uint8Array,
    publicKey: Uint8Array,
    cache = new KernelCache(0),
    secretSeed = randomSeed(),
  ) {
    checkLength('public key seed', seed.length, SEED_BYTES);
    checkLength('public key', publicKey.length, PUBLIC_KEY_BYTES);
    this.#key = new Uint32Array(CIPHERTEXT_WORDS);
    const uniform = new UniformStream(seed);
    try {
      readCiphertext(publicKey, uniform, this.#key);
    } finally {
      uniform.close();
    }
    this.#cache = cache;
    this.#prg = new Prg(secretSeed, 'he-server');
  }

  /** Unpacks the ciphertexts of a tensor. Throws 'crypto/parameters' if they are not well-formed. */
  loadTensor(packing: TensorPacking, bytes: Uint8Array): EncryptedTensor {
    checkLength('ciphertexts', bytes.length, packing.bytes);
    const residues = new Uint32Array(packing.ciphertexts * CIPHERTEXT_WORDS);
    const uniform = new UniformStream(bytes.subarray(0, SEED_BYTES));
    try {
      for (let index = 0; index < packing.ciphertexts; index++) {
        const wire = bytes.subarray(SEED_BYTES + index * INPUT_CIPHERTEXT_BYTES);
        readCiphertext(wire, uniform, residues.subarray(index * CIPHERTEXT_WORDS));
      }
    } finally {
      uniform.close();
    }
    return { residues };
  }

  /**
   * The ciphertexts of one part, plus the mask s [output elements]. `weights` ([out, in / groups, kernelHeight,
   * kernelWidth] each) and `inputs` in the order of part.terms. Throws 'crypto/input' on wrong lengths and
   * 'crypto/parameters' on weights beyond 2^26.
   */
  evaluatePart(
    part: PartPacking,
    weights: readonly Int32Array[],
    inputs: readonly EncryptedTensor[],
    mask: Uint32Array,
  ): Uint8Array {
    checkArguments(part, weights, inputs, mask);
    const wire = new Uint8Array(part.bytes);
    kernels().memory.scope(() => {
      const key = newCiphertext();
      for (const [i, words] of key.flat().entries())
        words.set(this.#key.subarray(i * DEGREE, (i + 1) * DEGREE));
      let offset = 0;
      multiply(part, weights, inputs, this.#cache, (product, index) => {
        const kept = outputPositions(part, index);
        const end = offset + outputCiphertextBytes(kept.elements.length);
        hide(product, key, kept, mask, this.#prg, wire.subarray(offset, end));
        offset = end;
      });
    });
    return wire;
  }

  /** Frees the streams. The object must not be used afterwards. */
  close(): void {
    this.#prg.close();
  }
}

/** out = [c0, c1][prime][N] of a ciphertext or public key: c0 at the front of `wire`, c1 the next of `uniform`. */
function readCiphertext(wire: Uint8Array, uniform: UniformStream, out: Uint32Array): void {
  kernels().memory.scope(() => {
    const read = newCiphertext();
    readResidues(wire, read[0]);
    uniform.next(read[1]);
    for (const [i, words] of read.flat().entries()) out.set(words, i * DEGREE);
  });
}

function checkArguments(
  part: PartPacking,
  weights: readonly Int32Array[],
  inputs: readonly EncryptedTensor[],
  mask: Uint32Array,
): void {
  const { channels, height, width } = part.output;
  const fits =
    weights.length === part.sources.length &&
    inputs.length === part.sources.length &&
    mask.length === channels * height * width &&
    part.sources.every(
      ({ shape, rows, columns, groups }, s) =>
        weights[s].length === (channels * shape.channels * rows.kernel * columns.kernel) / groups,
    );
  if (!fits)
    throw new SphynxError('crypto/input', 'kernels, inputs or mask do not have the sizes of the part');
  for (const own of weights) checkWeights(own);
}

/** Largest weight: below every prime in magnitude, with room to spare. */
const MOST_WEIGHT = 2 ** 26;

/** Weights that have been checked and do not change. */
const sound = new WeakSet<Int32Array>();

function checkWeights(weights: Int32Array): void {
  if (sound.has(weights)) return;
  for (const weight of weights)
    if (Math.abs(weight) > MOST_WEIGHT)
      throw new SphynxError('crypto/parameters', `a weight is larger than ${MOST_WEIGHT}`);
  sound.add(weights);
}
