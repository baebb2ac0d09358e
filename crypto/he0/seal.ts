import initialize, { type MainModule } from 'node-seal';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { DATA_PRIMES, KEY_PRIME, PLAIN_BITS, POLYNOMIAL, SEAL_SEED_BYTES } from './parameters.ts';

/** SEAL with the pinned parameters, and its serialization as arrays of residues. One per thread. */

export type Seal = MainModule;

export interface SealContext {
  readonly seal: Seal;
  readonly context: InstanceType<Seal['SEALContext']>;
  readonly plain: PlainFormat;
  /** Fresh ciphertexts: two polynomials modulo three primes. */
  readonly fresh: ResidueFormat;
  /** Returned ciphertexts: two polynomials modulo two primes. */
  readonly returned: ResidueFormat;
  /** Seeded symmetric ciphertexts and public keys: one polynomial, and the seed of the other. */
  readonly seeded: ResidueFormat;
  readonly publicKey: ResidueFormat;
}

let loading: Promise<SealContext> | undefined;

export function sealContext(): Promise<SealContext> {
  loading ??= load();
  return loading;
}

async function load(): Promise<SealContext> {
  const seal = await initialize();
  const parameters = new seal.EncryptionParameters(seal.SchemeType.bfv);
  parameters.setPolyModulusDegree(POLYNOMIAL);
  const primes = seal.CoeffModulus.Create(POLYNOMIAL, Int32Array.from([30, 30, 30, 19]));
  const actual = [0, 1, 2, 3].map((i) => Number(primes.get(i)?.value()));
  if (String(actual) !== String([...DATA_PRIMES, KEY_PRIME]))
    throw new SphynxError('crypto/parameters', 'SEAL chose other primes than the pinned ones');
  parameters.setCoeffModulus(primes);
  parameters.setPlainModulus(new seal.Modulus(1n << BigInt(PLAIN_BITS)));
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128);
  if (!context.parametersSet()) throw new SphynxError('crypto/parameters', 'SEAL refuses the parameters');
  const none = seal.ComprModeType.none;
  const generator = new seal.KeyGenerator(context);
  const encryptor = new seal.Encryptor(context, generator.createPublicKey(), generator.secretKey());
  const zero = new seal.Plaintext(POLYNOMIAL);
  const ciphertext = new seal.Ciphertext();
  encryptor.encryptZero(ciphertext);
  const fresh = new ResidueFormat(ciphertext.saveToArray(none), 2 * 3 * POLYNOMIAL, 0);
  const evaluator = new seal.Evaluator(context);
  evaluator.cipherModSwitchToNextInplace(ciphertext);
  const returned = new ResidueFormat(ciphertext.saveToArray(none), 2 * 2 * POLYNOMIAL, 0);
  const tail = SEAL_SEED_BYTES + 17;
  return {
    seal,
    context,
    plain: new PlainFormat(new seal.Plaintext(POLYNOMIAL).saveToArray(none)),
    fresh,
    returned,
    seeded: new ResidueFormat(encryptor.encryptSymmetricSerializable(zero).saveToArray(none), 3 * POLYNOMIAL, tail),
    publicKey: new ResidueFormat(generator.createPublicKeySerializable().saveToArray(none), 4 * POLYNOMIAL, tail),
  };
}

export class ResidueFormat {
  readonly #prefix: Uint8Array;
  readonly #tail: Uint8Array;
  readonly count: number;
  readonly length: number;
  constructor(sample: Uint8Array, count: number, tail: number) {
    this.count = count;
    this.length = sample.length;
    const start = sample.length - tail - 8 * count;
    this.#prefix = sample.slice(0, start);
    this.#tail = sample.slice(sample.length - tail);
  }
  residues(saved: Uint8Array): Uint32Array<ArrayBuffer> {
    if (saved.length !== this.length) throw new SphynxError('internal', 'SEAL changed its format');
    const start = this.#prefix.length;
    const words = new Uint32Array(saved.slice(start, start + 8 * this.count).buffer);
    const out = new Uint32Array(this.count);
    for (let i = 0; i < out.length; i++) out[i] = words[2 * i];
    return out;
  }
  seed(saved: Uint8Array): Uint8Array {
    return saved.slice(saved.length - SEAL_SEED_BYTES);
  }
  bytes(residues: Uint32Array, seed?: Uint8Array): Uint8Array {
    const words = new Uint32Array(2 * this.count);
    for (let i = 0; i < this.count; i++) words[2 * i] = residues[i];
    const out = new Uint8Array(this.length);
    out.set(this.#prefix);
    out.set(new Uint8Array(words.buffer), this.#prefix.length);
    out.set(this.#tail, this.#prefix.length + 8 * this.count);
    if (seed) out.set(seed, this.length - SEAL_SEED_BYTES);
    return out;
  }
}

export class PlainFormat {
  readonly #prefix: Uint8Array;
  constructor(sample: Uint8Array) {
    this.#prefix = sample.slice(0, sample.length - 8 * POLYNOMIAL);
  }
  bytes(coefficients: Uint32Array): Uint8Array {
    const words = new Uint32Array(2 * POLYNOMIAL);
    for (let i = 0; i < POLYNOMIAL; i++) words[2 * i] = coefficients[i];
    const out = new Uint8Array(this.#prefix.length + 8 * POLYNOMIAL);
    out.set(this.#prefix);
    out.set(new Uint8Array(words.buffer), this.#prefix.length);
    return out;
  }
  coefficients(saved: Uint8Array, count: number): Uint32Array {
    const words = new Uint32Array(saved.slice(saved.length - 8 * count).buffer);
    const out = new Uint32Array(POLYNOMIAL);
    for (let i = 0; i < count; i++) out[i] = words[2 * i];
    return out;
  }
}
