import type { Ciphertext, ClassHandle, MainModule, Plaintext, SEALContext } from 'node-seal/throws';
import initialize from 'node-seal/throws';
import { SphynxError } from '../../errors/sphynx-error.ts';
import {
  DATA_PRIMES,
  DEGREE,
  KEY_PRIME,
  PARAMETERS_HASH,
  PLAIN_BITS,
  parametersHash,
  SEED_BYTES,
} from './parameters.ts';

/**
 * Microsoft SEAL with the pinned parameters, and the byte layout of its objects. SEAL makes keys, encrypts and
 * decrypts; coefficients go in and out through its uncompressed serialization: a prefix that is the same for all
 * objects of a kind, then the coefficients or residues as 64-bit words. Seeded objects hold only the first of
 * two polynomials, then 17 fixed bytes and the seed of the second.
 */
export interface Seal {
  readonly module: MainModule;
  readonly context: SEALContext;
  readonly prefixes: Prefixes;
}

/** What stands before the words of each kind of object. */
export interface Prefixes {
  readonly plaintext: Uint8Array;
  /** A ciphertext modulo all data primes, and one that was switched down by a prime. */
  readonly ciphertext: Uint8Array;
  readonly switched: Uint8Array;
  readonly seededCiphertext: Seeded;
  readonly seededPublicKey: Seeded;
}

/** What stands around the first polynomial (`words` residues) of a seeded object; the seed follows the middle. */
export interface Seeded {
  readonly prefix: Uint8Array;
  readonly words: number;
  readonly middle: Uint8Array;
}

let loaded: Promise<Seal> | undefined;

/** SEAL of this thread, started at the first call. Throws 'crypto/parameters' if its parameters are not the pinned ones. */
export function loadSeal(): Promise<Seal> {
  loaded ??= start();
  return loaded;
}

async function start(): Promise<Seal> {
  const module = await initialize();
  const bits = [...DATA_PRIMES, KEY_PRIME].map((prime) => Math.ceil(Math.log2(prime)));
  const parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  parameters.setPolyModulusDegree(DEGREE);
  parameters.setCoeffModulus(module.CoeffModulus.Create(DEGREE, Int32Array.from(bits)));
  parameters.setPlainModulus(new module.Modulus(2n ** BigInt(PLAIN_BITS)));
  const context = new module.SEALContext(parameters, true, module.SecLevelType.tc128);
  const primes = [...module.jsArrayFromVecModulus(parameters.coeffModulus())].map(Number);
  const hash = parametersHash(
    'bfv',
    parameters.polyModulusDegree(),
    primes,
    parameters.plainModulus().value(),
  );
  if (!context.parametersSet() || hash !== PARAMETERS_HASH)
    throw new SphynxError(
      'crypto/parameters',
      'SEAL does not give the pinned parameters: another version of it?',
    );
  return { module, context, prefixes: readPrefixes(module, context) };
}

/** Reads the prefixes off objects that are made for the purpose, under a key that is thrown away. */
function readPrefixes(module: MainModule, context: SEALContext): Prefixes {
  const none = module.ComprModeType.none;
  const keys = new module.KeyGenerator(context);
  const publicKey = keys.createPublicKey();
  const encryptor = new module.Encryptor(context, publicKey, keys.secretKey());
  const plaintext = new module.Plaintext(DEGREE);
  const ciphertext = new module.Ciphertext();
  encryptor.encryptSymmetric(plaintext, ciphertext);
  const saved = ciphertext.saveToArray(none) as Uint8Array;
  const whole = saved.slice(0, saved.length - 2 * 8 * DATA_PRIMES.length * DEGREE);
  const evaluator = new module.Evaluator(context);
  evaluator.cipherModSwitchToNextInplace(ciphertext);
  const small = ciphertext.saveToArray(none) as Uint8Array;
  const seeded = encryptor.encryptSymmetricSerializable(plaintext);
  const seededKey = keys.createPublicKeySerializable();
  const plain = plaintext.saveToArray(none) as Uint8Array;
  const prefixes = {
    plaintext: plain.slice(0, plain.length - 8 * DEGREE),
    ciphertext: whole,
    switched: small.slice(0, small.length - 2 * 8 * (DATA_PRIMES.length - 1) * DEGREE),
    seededCiphertext: readSeeded(seeded.saveToArray(none), whole.length, DATA_PRIMES.length * DEGREE),
    seededPublicKey: readSeeded(seededKey.saveToArray(none), whole.length, (DATA_PRIMES.length + 1) * DEGREE),
  };
  free(keys, publicKey, encryptor, plaintext, ciphertext, evaluator, seeded, seededKey);
  return prefixes;
}

function readSeeded(saved: Uint8Array, prefix: number, words: number): Seeded {
  const middle = saved.slice(prefix + 8 * words, saved.length - SEED_BYTES);
  return { prefix: saved.slice(0, prefix), words, middle };
}

/** Gives SEAL's memory back; JavaScript's collector does not know of it. */
export function free(...objects: ClassHandle[]): void {
  for (const object of objects) object.delete();
}

/** Loads serialized bytes into an object, with all of SEAL's checks. Throws 'crypto/parameters' if they do not hold. */
export function load<T extends Loadable>(seal: Seal, object: T, bytes: Uint8Array): T {
  try {
    object.loadFromArray(seal.context, bytes);
  } catch (cause) {
    throw new SphynxError('crypto/parameters', 'a key or ciphertext is not valid for the pinned parameters', {
      cause,
    });
  }
  return object;
}

interface Loadable {
  loadFromArray(context: SEALContext, bytes: Uint8Array): void;
}

/** The serialized form, uncompressed: valid until the next call into SEAL. */
export function save(seal: Seal, object: Saveable): Uint8Array {
  return object.saveToArray(seal.module.ComprModeType.none);
}

type Saveable = Pick<Ciphertext | Plaintext, 'saveToArray'>;
