import { randomBytes } from 'node:crypto';
import { NttPrime, ProductSum } from '../../kernels/ntt.ts';
import { inKernelMemory } from '../hash.ts';
import { kernelCoefficients, outputPositions } from './layout.ts';
import { FLOODING_BITS } from './noise.ts';
import type { PartPacking, TensorPacking } from './packing.ts';
import { DATA_PRIMES, FRESH_CIPHERTEXT_BYTES, POLYNOMIAL, RETURNED_PRIMES, SEAL_SEED_BYTES } from './parameters.ts';
import { type SealContext, sealContext } from './seal.ts';

/** [ciphertext][2][3][4096] transformed. */
export type EncryptedTensor = readonly Uint32Array[];
let primesOf: NttPrime[] | undefined;
const primes = () => (primesOf ??= DATA_PRIMES.map((q) => new NttPrime(q, POLYNOMIAL)));

export class HeServer {
  readonly #sealed: SealContext;
  readonly #encryptor;
  readonly #evaluator;
  private constructor(sealed: SealContext, publicKey: Uint8Array) {
    this.#sealed = sealed;
    const { seal, context } = sealed;
    const words = new Uint32Array(publicKey.slice(0, publicKey.length - SEAL_SEED_BYTES).buffer);
    const key = new seal.PublicKey();
    key.loadFromArray(context, sealed.publicKey.bytes(words, publicKey.slice(-SEAL_SEED_BYTES)));
    const generator = new seal.KeyGenerator(context);
    this.#encryptor = new seal.Encryptor(context, key, generator.secretKey());
    this.#evaluator = new seal.Evaluator(context);
  }
  static async create(publicKey: Uint8Array): Promise<HeServer> {
    return new HeServer(await sealContext(), publicKey);
  }
  loadTensor(packing: TensorPacking, bytes: Uint8Array): EncryptedTensor {
    const { seal, context, seeded, fresh } = this.#sealed;
    const out: Uint32Array[] = [];
    for (let p = 0; p < packing.ciphertexts; p++) {
      const wire = bytes.slice(p * FRESH_CIPHERTEXT_BYTES, (p + 1) * FRESH_CIPHERTEXT_BYTES);
      const words = new Uint32Array(wire.buffer, 0, 3 * POLYNOMIAL);
      const ciphertext = new seal.Ciphertext();
      ciphertext.loadFromArray(context, seeded.bytes(words, wire.subarray(-SEAL_SEED_BYTES)));
      const residues = fresh.residues(ciphertext.saveToArray(seal.ComprModeType.none));
      ciphertext.delete();
      inKernelMemory((memory) => {
        const a = memory.u32(POLYNOMIAL);
        for (let k = 0; k < 6; k++) {
          const row = residues.subarray(k * POLYNOMIAL, (k + 1) * POLYNOMIAL);
          a.set(row); primes()[k % 3].forward(a); row.set(a);
        }
      });
      out.push(residues);
    }
    return out;
  }
  evaluatePart(part: PartPacking, kernels: readonly Int32Array[], inputs: readonly EncryptedTensor[], mask: Uint32Array): Uint8Array {
    const out = new Uint8Array(part.bytes);
    const tiles = part.input.tiles.rows * part.input.tiles.columns;
    let offset = 0;
    for (let group = 0; group < part.groups; group++) {
      const products = this.#products(part, kernels, inputs, group, tiles);
      for (let tile = 0; tile < tiles; tile++) {
        const bytes = this.#finish(part, group * tiles + tile, products[tile], mask);
        out.set(bytes, offset);
        offset += bytes.length;
      }
    }
    return out;
  }
  #products(part: PartPacking, kernels: readonly Int32Array[], inputs: readonly EncryptedTensor[], group: number, tiles: number): Uint32Array[] {
    return inKernelMemory((memory) => {
      const sums = Array.from({ length: tiles }, () =>
        Array.from({ length: 6 }, (_, k) => new ProductSum(primes()[k % 3], memory.bytes(8 * POLYNOMIAL))));
      const coefficients = memory.i32(POLYNOMIAL);
      const weights = primes().map(() => memory.u32(POLYNOMIAL));
      const row = memory.u32(POLYNOMIAL);
      for (const [t, term] of part.convolutions.entries())
        for (let g = 0; g < part.input.groups; g++) {
          kernelCoefficients(part, term, kernels[t], group, g, coefficients);
          for (const [q, prime] of primes().entries()) { prime.liftSigned(coefficients, weights[q]); prime.forward(weights[q]); }
          for (let tile = 0; tile < tiles; tile++) {
            const ciphertext = inputs[t][g * tiles + tile];
            for (let k = 0; k < 6; k++) {
              row.set(ciphertext.subarray(k * POLYNOMIAL, (k + 1) * POLYNOMIAL));
              sums[tile][k].add(row, weights[k % 3]);
            }
          }
        }
      return sums.map((tile) => {
        const residues = new Uint32Array(6 * POLYNOMIAL);
        for (let k = 0; k < 6; k++) {
          tile[k].toWords(row); primes()[k % 3].inverse(row); residues.set(row, k * POLYNOMIAL);
        }
        return residues;
      });
    });
  }
  #finish(part: PartPacking, index: number, product: Uint32Array, mask: Uint32Array): Uint8Array {
    const { seal, context, fresh, returned, plain } = this.#sealed;
    const none = seal.ComprModeType.none;
    const zero = new seal.Ciphertext();
    this.#encryptor.encryptZero(zero);
    const residues = fresh.residues(zero.saveToArray(none));
    const { coefficients, elements } = outputPositions(part, index);
    inKernelMemory((memory) => {
      const a = memory.u32(POLYNOMIAL);
      const b = memory.u32(POLYNOMIAL);
      const random = memory.bytes(8 * POLYNOMIAL);
      random.set(randomBytes(8 * POLYNOMIAL));
      for (let k = 0; k < 6; k++) {
        const row = residues.subarray(k * POLYNOMIAL, (k + 1) * POLYNOMIAL);
        a.set(row); b.set(product.subarray(k * POLYNOMIAL, (k + 1) * POLYNOMIAL));
        primes()[k % 3].add(a, b);
        if (k < 3) primes()[k].addFlooding(a, random, FLOODING_BITS);
        row.set(a);
      }
    });
    const ciphertext = new seal.Ciphertext();
    ciphertext.loadFromArray(context, fresh.bytes(residues));
    const masks = new Uint32Array(POLYNOMIAL);
    for (let k = 0; k < coefficients.length; k++) masks[coefficients[k]] = mask[elements[k]];
    const plaintext = new seal.Plaintext();
    plaintext.loadFromArray(context, plain.bytes(masks));
    this.#evaluator.subPlainInplace(ciphertext, plaintext);
    this.#evaluator.cipherModSwitchToNextInplace(ciphertext);
    const dropped = returned.residues(ciphertext.saveToArray(none));
    zero.delete(); ciphertext.delete(); plaintext.delete();
    const half = RETURNED_PRIMES * POLYNOMIAL;
    const words = new Uint32Array(half + RETURNED_PRIMES * coefficients.length);
    words.set(dropped.subarray(half));
    for (let q = 0; q < RETURNED_PRIMES; q++)
      for (let k = 0; k < coefficients.length; k++) words[half + q * coefficients.length + k] = dropped[q * POLYNOMIAL + coefficients[k]];
    return new Uint8Array(words.buffer);
  }
  close(): void {}
}
