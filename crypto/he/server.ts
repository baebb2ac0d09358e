import type { Encryptor, Evaluator } from 'node-seal/throws';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { KernelCache } from './kernel-cache.ts';
import { checkKernels } from './noise.ts';
import type { PartPacking, TensorPacking } from './packing.ts';
import { DEGREE, INPUT_CIPHERTEXT_BYTES, PUBLIC_KEY_BYTES } from './parameters.ts';
import { type OutputPositions, outputPositions } from './positions.ts';
import { CIPHERTEXT_WORDS, type EncryptedTensor, multiplyGroup, transformCiphertext } from './products.ts';
import { free, load, loadSeal, type Seal, save } from './seal.ts';
import { plaintextBytes, seededFromWire, switchedToWire } from './serialize.ts';

export type { EncryptedTensor };

/**
 * Server's half of the linear layers offline: W Enc(r) - s, made circuit-private (protocol.md section 2). All it
 * knows of the client is the public key.
 */
export class HeServer {
  readonly #seal: Seal;
  readonly #encryptor: Encryptor;
  readonly #evaluator: Evaluator;
  readonly #cache: KernelCache;

  /** `cache` may serve many servers, of one thread. Throws 'crypto/parameters' if the client's key is not one for the pinned parameters. */
  static async create(publicKey: Uint8Array, cache = new KernelCache(0)): Promise<HeServer> {
    checkLength('public key', publicKey.length, PUBLIC_KEY_BYTES);
    return new HeServer(await loadSeal(), publicKey, cache);
  }

  private constructor(seal: Seal, wire: Uint8Array, cache: KernelCache) {
    this.#cache = cache;
    const { module, context, prefixes } = seal;
    const publicKey = new module.PublicKey();
    try {
      load(seal, publicKey, seededFromWire(wire, prefixes.seededPublicKey));
      this.#seal = seal;
      this.#encryptor = new module.Encryptor(context, publicKey);
      this.#evaluator = new module.Evaluator(context);
    } finally {
      free(publicKey);
    }
  }

  /** Checks and transforms the ciphertexts of a tensor. Throws 'crypto/parameters' if they are not well-formed. */
  loadTensor(packing: TensorPacking, bytes: Uint8Array): EncryptedTensor {
    checkLength('ciphertexts', bytes.length, packing.bytes);
    const seal = this.#seal;
    const residues = new Uint32Array(packing.ciphertexts * CIPHERTEXT_WORDS);
    const ciphertext = new seal.module.Ciphertext();
    try {
      for (let index = 0; index < packing.ciphertexts; index++) {
        const wire = bytes.subarray(index * INPUT_CIPHERTEXT_BYTES, (index + 1) * INPUT_CIPHERTEXT_BYTES);
        load(seal, ciphertext, seededFromWire(wire, seal.prefixes.seededCiphertext));
        const whole = save(seal, ciphertext).subarray(seal.prefixes.ciphertext.length);
        transformCiphertext(
          whole,
          residues.subarray(index * CIPHERTEXT_WORDS, (index + 1) * CIPHERTEXT_WORDS),
        );
      }
    } finally {
      free(ciphertext);
    }
    return { residues };
  }

  /**
   * The ciphertexts of one part, less the mask s [output elements]. `kernels` (weights [out, in / groups,
   * kernelHeight, kernelWidth]) and `inputs` in the order of part.terms. Throws 'crypto/input' on wrong lengths and
   * 'crypto/parameters' on weights that the flood does not hide.
   */
  evaluatePart(
    part: PartPacking,
    kernels: readonly Int32Array[],
    inputs: readonly EncryptedTensor[],
    mask: Uint32Array,
  ): Uint8Array {
    checkArguments(part, kernels, inputs, mask);
    const wire = new Uint8Array(part.bytes);
    let offset = 0;
    for (let group = 0; group < part.groups; group++) {
      const products = multiplyGroup(part, group, kernels, inputs, this.#cache);
      for (const [tile, product] of products.entries()) {
        const kept = outputPositions(part, group * part.tiles.length + tile);
        const returned = this.#hide(product, kept, mask);
        wire.set(returned, offset);
        offset += returned.length;
      }
    }
    return wire;
  }

  /**
   * Makes a product circuit-private: a fresh encryption of zero hides how c1 came about, the mask hides the
   * outputs, and the flood (already in `product`) the noise.
   */
  #hide(product: Uint8Array, kept: OutputPositions, mask: Uint32Array): Uint8Array {
    const seal = this.#seal;
    const coefficients = new Uint32Array(DEGREE);
    for (const [i, coefficient] of kept.coefficients.entries())
      coefficients[coefficient] = mask[kept.elements[i]];
    const ciphertext = new seal.module.Ciphertext();
    const zero = new seal.module.Ciphertext();
    const plaintext = new seal.module.Plaintext();
    try {
      load(seal, ciphertext, join(seal.prefixes.ciphertext, product));
      this.#encryptor.encryptZero(zero);
      this.#evaluator.addInplace(zero, ciphertext);
      this.#evaluator.subPlainInplace(zero, load(seal, plaintext, plaintextBytes(seal, coefficients)));
      this.#evaluator.cipherModSwitchToNextInplace(zero);
      return switchedToWire(seal, save(seal, zero), kept.coefficients);
    } finally {
      free(ciphertext, zero, plaintext);
    }
  }

  /** Frees the key. The object must not be used afterwards. */
  close(): void {
    free(this.#encryptor, this.#evaluator);
  }
}

function join(prefix: Uint8Array, words: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + words.length);
  bytes.set(prefix);
  bytes.set(words, prefix.length);
  return bytes;
}

function checkLength(what: string, got: number, expected: number): void {
  if (got !== expected)
    throw new SphynxError('crypto/parameters', `expected ${expected} bytes of ${what}, got ${got}`);
}

function checkArguments(
  part: PartPacking,
  kernels: readonly Int32Array[],
  inputs: readonly EncryptedTensor[],
  mask: Uint32Array,
): void {
  const { channels, height, width } = part.output;
  const fits =
    kernels.length === part.sources.length &&
    inputs.length === part.sources.length &&
    mask.length === channels * height * width &&
    part.sources.every(
      ({ shape, rows, columns, groups }, s) =>
        kernels[s].length === (channels * shape.channels * rows.kernel * columns.kernel) / groups,
    );
  if (!fits)
    throw new SphynxError('crypto/input', 'kernels, inputs or mask do not have the sizes of the part');
  checkKernels(kernels, channels, part.channelsOut);
}
