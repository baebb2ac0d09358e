import { SphynxError } from '../../errors/sphynx-error.ts';
import { kernels } from '../../kernels/load.ts';
import { Prg, randomSeed } from '../prg.ts';
import { decrypt } from './decrypt.ts';
import { encrypt } from './encrypt.ts';
import { publicKey, SecretKey } from './keys.ts';
import { outputsOf } from './output-blocks.ts';
import { INPUT_CIPHERTEXT_BYTES, outputCiphertextBytes, SEED_BYTES } from './parameters.ts';
import type { PartPacking, TensorPacking } from './plan.ts';
import { outputPositions, placeTensor, polynomials } from './positions.ts';
import { newWords } from './ring.ts';
import { UniformStream } from './sample.ts';
import { checkLength } from './wire.ts';

/**
 * Client's half of the linear layers offline (DELPHI, preprocessing phase; docs/protocol.md, section 2): its keys, Enc(r) on the
 * way up, W r + s on the way down. The secret key never leaves the object.
 */
export class HeClient {
  /** The client's half of the public key, with which the server hides its kernels [PUBLIC_KEY_BYTES]. */
  readonly publicKey: Uint8Array;
  readonly #prg: Prg;
  readonly #key: SecretKey;

  /**
   * Fresh keys, for a server that has sent the seed of its half of the public key. `secretSeed` is given in tests only. Throws
   * 'crypto/parameters' if the server's seed has another length.
   */
  constructor(serverSeed: Uint8Array, secretSeed = randomSeed()) {
    checkLength('public key seed', serverSeed.length, SEED_BYTES);
    this.#prg = new Prg(secretSeed, 'he-client');
    this.#key = SecretKey.generate(this.#prg);
    this.publicKey = publicKey(this.#key, serverSeed, this.#prg);
  }

  /** The ciphertexts of a mask [channels, height, width], one after another. Throws 'crypto/input' on a wrong length. */
  encryptTensor(packing: TensorPacking, mask: Uint32Array): Uint8Array {
    const { shape, encodings, bytes } = packing;
    const elements = shape.channels * shape.height * shape.width;
    if (mask.length !== elements)
      throw new SphynxError('crypto/input', `expected a mask of ${elements} words, got ${mask.length}`);
    const wire = new Uint8Array(bytes);
    kernels().memory.scope(() => {
      const minus = this.#key.minus();
      const coefficients = newWords();
      const seed = this.#prg.bytes(SEED_BYTES);
      wire.set(seed);
      const uniform = new UniformStream(seed);
      let offset = SEED_BYTES;
      for (const encoding of encodings)
        for (const { tile, group } of polynomials(encoding)) {
          placeTensor(encoding, shape, tile, group, mask, coefficients);
          const ciphertext = wire.subarray(offset, offset + INPUT_CIPHERTEXT_BYTES);
          encrypt(coefficients, minus, uniform, this.#prg, ciphertext);
          offset += INPUT_CIPHERTEXT_BYTES;
        }
      uniform.close();
    });
    return wire;
  }

  /**
   * The client's share of one part of a layer [output elements], from what the server returned. Throws
   * 'crypto/parameters' if the length is not the plan's.
   */
  decryptPart(part: PartPacking, bytes: Uint8Array): Uint32Array {
    checkLength('ciphertexts', bytes.length, part.bytes);
    const { channels, height, width } = part.output;
    const share = new Uint32Array(channels * height * width);
    kernels().memory.scope(() => {
      const minus = this.#key.minus();
      let offset = 0;
      for (let index = 0; index < part.ciphertexts; index++) {
        const end = offset + outputCiphertextBytes(outputsOf(part, index).count);
        const { coefficients, elements } = outputPositions(part, index);
        const values = decrypt(bytes.subarray(offset, end), coefficients, minus);
        for (let i = 0; i < elements.length; i++) share[elements[i]] = values[i];
        offset = end;
      }
    });
    return share;
  }

  /** Overwrites the key. The object must not be used afterwards. */
  close(): void {
    this.#key.close();
    this.#prg.close();
  }
}
