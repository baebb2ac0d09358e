import { inputCoefficients, outputPositions } from './layout.ts';
import type { PartPacking, TensorPacking } from './packing.ts';
import { FRESH_CIPHERTEXT_BYTES, POLYNOMIAL, RETURNED_PRIMES, returnedCiphertextBytes } from './parameters.ts';
import { type SealContext, sealContext } from './seal.ts';

export class HeClient {
  readonly publicKey: Uint8Array;
  readonly #sealed: SealContext;
  readonly #encryptor;
  readonly #decryptor;
  private constructor(sealed: SealContext) {
    this.#sealed = sealed;
    const { seal, context, publicKey } = sealed;
    const generator = new seal.KeyGenerator(context);
    const secret = generator.secretKey();
    const saved = generator.createPublicKeySerializable().saveToArray(seal.ComprModeType.none);
    const residues = publicKey.residues(saved);
    this.publicKey = new Uint8Array(Buffer.concat([new Uint8Array(residues.buffer), publicKey.seed(saved)]));
    this.#encryptor = new seal.Encryptor(context, generator.createPublicKey(), secret);
    this.#decryptor = new seal.Decryptor(context, secret);
  }
  static async create(): Promise<HeClient> {
    return new HeClient(await sealContext());
  }
  encryptTensor(packing: TensorPacking, values: Uint32Array): Uint8Array {
    const { seal, context, plain, seeded } = this.#sealed;
    const out = new Uint8Array(packing.bytes);
    const coefficients = new Uint32Array(POLYNOMIAL);
    for (let p = 0; p < packing.ciphertexts; p++) {
      inputCoefficients(packing, p, values, coefficients);
      const plaintext = new seal.Plaintext();
      plaintext.loadFromArray(context, plain.bytes(coefficients));
      const serializable = this.#encryptor.encryptSymmetricSerializable(plaintext);
      const saved = serializable.saveToArray(seal.ComprModeType.none);
      out.set(new Uint8Array(seeded.residues(saved).buffer), p * FRESH_CIPHERTEXT_BYTES);
      out.set(seeded.seed(saved), (p + 1) * FRESH_CIPHERTEXT_BYTES - 64);
      plaintext.delete(); serializable.delete();
    }
    return out;
  }
  decryptPart(part: PartPacking, bytes: Uint8Array): Uint32Array<ArrayBuffer> {
    const { seal, context, plain, returned } = this.#sealed;
    const { channels, height, width } = part.output;
    const share = new Uint32Array(channels * height * width);
    let offset = 0;
    for (let i = 0; i < part.ciphertexts; i++) {
      const { coefficients, elements } = outputPositions(part, i);
      const length = returnedCiphertextBytes(coefficients.length);
      const words = new Uint32Array(bytes.slice(offset, offset + length).buffer);
      offset += length;
      const residues = new Uint32Array(2 * RETURNED_PRIMES * POLYNOMIAL);
      const half = RETURNED_PRIMES * POLYNOMIAL;
      residues.set(words.subarray(0, half), half);
      for (let q = 0; q < RETURNED_PRIMES; q++)
        for (let k = 0; k < coefficients.length; k++)
          residues[q * POLYNOMIAL + coefficients[k]] = words[half + q * coefficients.length + k];
      const ciphertext = new seal.Ciphertext();
      ciphertext.loadFromArray(context, returned.bytes(residues));
      const plaintext = new seal.Plaintext();
      this.#decryptor.decrypt(ciphertext, plaintext);
      const opened = plain.coefficients(plaintext.saveToArray(seal.ComprModeType.none), plaintext.coeffCount());
      for (let k = 0; k < coefficients.length; k++) share[elements[k]] = opened[coefficients[k]];
      ciphertext.delete(); plaintext.delete();
    }
    return share;
  }
  close(): void {}
}
