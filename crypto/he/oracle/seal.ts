import type { ClassHandle, MainModule, Plaintext, PublicKey, SEALContext, SecretKey } from 'node-seal/throws';
import initialize from 'node-seal/throws';
import { SphynxError } from '../../../errors/sphynx-error.ts';
import { DEGREE, PRIMES } from '../parameters.ts';

/**
 * Microsoft SEAL as an independent oracle of our encryption: BFV with the same ring, primes and plaintext modulus, at a
 * security level that SEAL itself rates as 128 bits. Only tests, benchmarks and `sphynx doctor` use it, never the
 * protocol.
 *
 * Coefficients go in and out through SEAL's uncompressed serialization: a prefix that is the same for all objects of a
 * kind, then 64-bit words.
 */
export class SealOracle {
  readonly #module: MainModule;
  readonly #context: SEALContext;
  readonly #secretKey: SecretKey;
  /** SEAL asks for one, and does not use it to encrypt with the secret key. */
  readonly #publicKey: PublicKey;
  readonly #plainPrefix: Uint8Array;
  readonly #cipherPrefix: Uint8Array;

  /** SEAL with a fresh secret key. `close` frees it. Throws 'crypto/parameters' if SEAL does not accept the parameters. */
  static async create(): Promise<SealOracle> {
    return new SealOracle(await initialize());
  }

  private constructor(module: MainModule) {
    this.#module = module;
    this.#context = makeContext(module);
    const generator = new module.KeyGenerator(this.#context);
    this.#secretKey = generator.secretKey();
    this.#publicKey = generator.createPublicKey();
    generator.delete();
    const plaintext = new module.Plaintext(DEGREE);
    const plain: Uint8Array = plaintext.saveToArray(module.ComprModeType.none);
    this.#plainPrefix = plain.slice(0, plain.length - 8 * DEGREE);
    this.#cipherPrefix = new Uint8Array();
    const whole = this.#encrypt(plaintext);
    this.#cipherPrefix = whole.slice(0, whole.length - 8 * CIPHERTEXT_WORDS);
    plaintext.delete();
  }

  /** The secret key's transform modulo the first prime [N], at the roots and in the order of `secretCoefficients`. */
  get transformedSecret(): Uint32Array {
    const saved: Uint8Array = this.#secretKey.saveToArray(this.#module.ComprModeType.none);
    return narrow(saved.slice(saved.length - 8 * (PRIMES.length + 1) * DEGREE)).subarray(0, DEGREE);
  }

  /** Encrypts words mod 2^32 [N]: the residues of [c0, c1][prime][N], not transformed. */
  encrypt(words: Uint32Array): Uint32Array {
    const plaintext = this.#plaintext(words);
    try {
      return narrow(this.#encrypt(plaintext).slice(this.#cipherPrefix.length));
    } finally {
      plaintext.delete();
    }
  }

  /** The words [N] that a ciphertext [c0, c1][prime][N] of residues, not transformed, holds. Throws 'crypto/parameters' on one that SEAL refuses. */
  decrypt(residues: Uint32Array): Uint32Array {
    const module = this.#module;
    const ciphertext = new module.Ciphertext();
    const plaintext = new module.Plaintext();
    const decryptor = new module.Decryptor(this.#context, this.#secretKey);
    try {
      load(this.#context, ciphertext, join(this.#cipherPrefix, residues));
      decryptor.decrypt(ciphertext, plaintext);
      const saved: Uint8Array = plaintext.saveToArray(module.ComprModeType.none);
      const words = new Uint32Array(DEGREE);
      // SEAL leaves leading zeros out.
      words.set(narrow(saved.slice(this.#plainPrefix.length)));
      return words;
    } finally {
      free(ciphertext, plaintext, decryptor);
    }
  }

  /** Frees SEAL's memory, which JavaScript's collector does not manage. */
  close(): void {
    free(this.#secretKey, this.#publicKey, this.#context);
  }

  #encrypt(plaintext: Plaintext): Uint8Array {
    const module = this.#module;
    const encryptor = new module.Encryptor(this.#context, this.#publicKey, this.#secretKey);
    const ciphertext = new module.Ciphertext();
    try {
      encryptor.encryptSymmetric(plaintext, ciphertext);
      return (ciphertext.saveToArray(module.ComprModeType.none) as Uint8Array).slice();
    } finally {
      free(encryptor, ciphertext);
    }
  }

  #plaintext(words: Uint32Array): Plaintext {
    const plaintext = new this.#module.Plaintext();
    load(this.#context, plaintext, join(this.#plainPrefix, words));
    return plaintext;
  }
}

/** Words of a ciphertext: two halves modulo both primes. */
const CIPHERTEXT_WORDS = 2 * PRIMES.length * DEGREE;

/** Bits of the prime that SEAL keeps for keys alone. */
const KEY_PRIME_BITS = 19;

function makeContext(module: MainModule): SEALContext {
  const bits = Int32Array.from([...PRIMES.map((prime) => Math.ceil(Math.log2(prime))), KEY_PRIME_BITS]);
  const parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  parameters.setPolyModulusDegree(DEGREE);
  parameters.setCoeffModulus(module.CoeffModulus.Create(DEGREE, bits));
  parameters.setPlainModulus(new module.Modulus(2n ** 32n));
  const context = new module.SEALContext(parameters, true, module.SecLevelType.tc128);
  const primes = [...module.jsArrayFromVecModulus(parameters.coeffModulus())].map(Number);
  if (!context.parametersSet() || PRIMES.some((prime, i) => prime !== primes[i]))
    throw new SphynxError(
      'crypto/parameters',
      `SEAL was expected to work modulo ${PRIMES}, and works modulo ${primes}: another version of it?`,
    );
  return context;
}

function load(context: SEALContext, object: Loadable, bytes: Uint8Array): void {
  try {
    object.loadFromArray(context, bytes);
  } catch (cause) {
    throw new SphynxError('crypto/parameters', 'SEAL refuses a plaintext or ciphertext', { cause });
  }
}

interface Loadable {
  loadFromArray(context: SEALContext, bytes: Uint8Array): void;
}

function free(...objects: ClassHandle[]): void {
  for (const object of objects) object.delete();
}

/** The prefix, then the words as 64-bit words. */
function join(prefix: Uint8Array, words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + 8 * words.length);
  const wide = new Uint32Array(2 * words.length);
  for (const [i, word] of words.entries()) wide[2 * i] = word;
  bytes.set(prefix);
  bytes.set(new Uint8Array(wide.buffer), prefix.length);
  return bytes;
}

/** 64-bit words, all below 2^32, as 32-bit words. `bytes` has its buffer to itself. */
function narrow(bytes: Uint8Array): Uint32Array {
  const wide = new Uint32Array(bytes.buffer);
  return Uint32Array.from({ length: wide.length / 2 }, (_, i) => wide[2 * i]);
}
