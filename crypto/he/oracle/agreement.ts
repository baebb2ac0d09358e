import { SphynxError } from '../../../errors/sphynx-error.ts';
import { clearKernels, kernels } from '../../../kernels/load.ts';
import { Prg, randomSeed } from '../../prg.ts';
import { decrypt } from '../decrypt.ts';
import { encrypt } from '../encrypt.ts';
import { type Ciphertext, newCiphertext } from '../evaluate.ts';
import { SecretKey } from '../keys.ts';
import { DEGREE, INPUT_CIPHERTEXT_BYTES, outputCiphertextBytes, SEED_BYTES } from '../parameters.ts';
import { BOTH, newSigned, newWords, ring } from '../ring.ts';
import { expandUniform, UniformStream } from '../sample.ts';
import { readResidues } from '../wire.ts';
import { SealOracle } from './seal.ts';
import { secretCoefficients } from './secret-coefficients.ts';

/** Largest error of a word that SEAL encrypted and we decrypted: more than ten standard deviations (model/linear-error.ts). */
const MOST_ERROR = 160;

/**
 * Encrypts random words with our code and decrypts them with SEAL, and vice versa, under one secret key of SEAL's.
 * Throws 'crypto/parameters' if a word comes out wrong.
 */
export async function compareWithSeal(): Promise<void> {
  const oracle = await SealOracle.create();
  const prg = new Prg(randomSeed(), 'oracle');
  try {
    kernels().memory.scope(() => {
      const secret = newSigned();
      secret.set(secretCoefficients(oracle.transformedSecret));
      const key = new SecretKey(secret);
      const words = prg.words(DEGREE);
      const bySeal = oracle.decrypt(encryptForSeal(words, key, prg));
      if (words.some((word, i) => word !== bySeal[i])) throw disagreement('SEAL decrypts ours');
      const byUs = decryptFromSeal(oracle.encrypt(words), key);
      const wrong = (word: number, i: number) => Math.abs((byUs[i] - word) | 0) > MOST_ERROR;
      if (words.some(wrong)) throw disagreement("we decrypt SEAL's");
      key.close();
    });
  } finally {
    prg.close();
    oracle.close();
    clearKernels();
  }
}

/** Our encryption of words [N], as SEAL reads it. */
export function encryptForSeal(words: Uint32Array, key: SecretKey, prg: Prg): Uint32Array {
  return kernels().memory.scope(() => {
    const plaintext = newWords();
    plaintext.set(words);
    const wire = new Uint8Array(INPUT_CIPHERTEXT_BYTES);
    const seed = prg.bytes(SEED_BYTES);
    const uniform = new UniformStream(seed);
    encrypt(plaintext, key.minus(), uniform, prg, wire);
    uniform.close();
    const [c0, c1] = newCiphertext();
    readResidues(wire, c0);
    expandUniform(seed, c1);
    const out = new Uint32Array(4 * DEGREE);
    for (const [half, residues] of [c0, c1].entries())
      for (const i of BOTH) {
        ring().ntt[i].inverse(residues[i]);
        out.set(residues[i], (2 * half + i) * DEGREE);
      }
    return out;
  });
}

/** Our decryption of SEAL's ciphertext, brought down to 2^32 as the server does. */
export function decryptFromSeal(residues: Uint32Array, key: SecretKey): Uint32Array {
  return kernels().memory.scope(() => {
    const ciphertext: Ciphertext = newCiphertext();
    for (const [i, words] of ciphertext.flat().entries())
      words.set(residues.subarray(i * DEGREE, (i + 1) * DEGREE));
    const wire = new Uint32Array(outputCiphertextBytes(DEGREE) / 4);
    const down = newWords();
    for (const [half, [first, second]] of ciphertext.entries()) {
      ring().pair.scaleDown(first, second, down);
      wire.set(down, half === 0 ? DEGREE : 0);
    }
    const all = Uint32Array.from({ length: DEGREE }, (_, i) => i);
    return decrypt(new Uint8Array(wire.buffer), all, key.minus());
  });
}

function disagreement(what: string): SphynxError {
  return new SphynxError(
    'crypto/parameters',
    `our encryption and SEAL's do not agree where ${what}: install the package anew, and report it if that does not help`,
  );
}
