import type { Decryptor, Encryptor } from 'node-seal/throws';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { outputsOf } from './output-blocks.ts';
import type { PartPacking, TensorPacking } from './packing.ts';
import { DEGREE, INPUT_CIPHERTEXT_BYTES, outputCiphertextBytes } from './parameters.ts';
import { outputPositions, placeTensor, polynomials } from './positions.ts';
import { free, load, loadSeal, type Seal, save } from './seal.ts';
import { plaintextBytes, plaintextCoefficients, seededToWire, switchedFromWire } from './serialize.ts';

/**
 * Client's half of the linear layers offline (DELPHI section 4.1, protocol.md section 2): its keys, Enc(r) on the
 * way up, W r - s on the way down. The secret key never leaves the object.
 */
export class HeClient {
  /** For the server, which encrypts zeros with it [PUBLIC_KEY_BYTES]. */
  readonly publicKey: Uint8Array;
  readonly #seal: Seal;
  readonly #encryptor: Encryptor;
  readonly #decryptor: Decryptor;

  /** Fresh keys. `close` frees them. */
  static async create(): Promise<HeClient> {
    return new HeClient(await loadSeal());
  }

  private constructor(seal: Seal) {
    const { module, context, prefixes } = seal;
    const generator = new module.KeyGenerator(context);
    const secretKey = generator.secretKey();
    const seeded = generator.createPublicKeySerializable();
    const publicKey = load(seal, new module.PublicKey(), save(seal, seeded));
    this.publicKey = seededToWire(save(seal, seeded), prefixes.seededPublicKey);
    this.#seal = seal;
    this.#encryptor = new module.Encryptor(context, publicKey, secretKey);
    this.#decryptor = new module.Decryptor(context, secretKey);
    free(generator, secretKey, seeded, publicKey);
  }

  /** The ciphertexts of a mask [channels, height, width], one after another. Throws 'crypto/input' on a wrong length. */
  encryptTensor(packing: TensorPacking, mask: Uint32Array): Uint8Array {
    const { shape, encodings, bytes } = packing;
    const elements = shape.channels * shape.height * shape.width;
    if (mask.length !== elements)
      throw new SphynxError('crypto/input', `expected a mask of ${elements} words, got ${mask.length}`);
    const wire = new Uint8Array(bytes);
    const coefficients = new Uint32Array(DEGREE);
    let offset = 0;
    for (const encoding of encodings)
      for (const { tile, group } of polynomials(encoding)) {
        placeTensor(encoding, shape, tile, group, mask, coefficients);
        wire.set(this.#encrypt(coefficients), offset);
        offset += INPUT_CIPHERTEXT_BYTES;
      }
    return wire;
  }

  #encrypt(coefficients: Uint32Array): Uint8Array {
    const seal = this.#seal;
    const plaintext = load(seal, new seal.module.Plaintext(), plaintextBytes(seal, coefficients));
    const seeded = this.#encryptor.encryptSymmetricSerializable(plaintext);
    const wire = seededToWire(save(seal, seeded), seal.prefixes.seededCiphertext);
    free(plaintext, seeded);
    return wire;
  }

  /**
   * The client's share of one part of a layer [output elements], from what the server returned. Throws
   * 'crypto/parameters' if the length is not the plan's.
   */
  decryptPart(part: PartPacking, bytes: Uint8Array): Uint32Array {
    if (bytes.length !== part.bytes)
      throw new SphynxError(
        'crypto/parameters',
        `expected ${part.bytes} bytes of ciphertexts, got ${bytes.length}`,
      );
    const { channels, height, width } = part.output;
    const share = new Uint32Array(channels * height * width);
    let offset = 0;
    for (let index = 0; index < part.ciphertexts; index++) {
      const end = offset + outputCiphertextBytes(outputsOf(part, index).count);
      const kept = outputPositions(part, index);
      const values = this.#decrypt(bytes.subarray(offset, end), kept.coefficients);
      for (const [i, element] of kept.elements.entries()) share[element] = values[kept.coefficients[i]];
      offset = end;
    }
    return share;
  }

  #decrypt(wire: Uint8Array, kept: Uint32Array): Uint32Array {
    const seal = this.#seal;
    const ciphertext = new seal.module.Ciphertext();
    const plaintext = new seal.module.Plaintext();
    try {
      this.#decryptor.decrypt(load(seal, ciphertext, switchedFromWire(seal, wire, kept)), plaintext);
      return plaintextCoefficients(seal, save(seal, plaintext));
    } finally {
      free(ciphertext, plaintext);
    }
  }

  /** Frees the keys. The object must not be used afterwards. */
  close(): void {
    free(this.#encryptor, this.#decryptor);
  }
}
