/** Benchmarks of one ciphertext: encrypted, hidden, decrypted; by our code and by SEAL, which must agree. */
import { randomBytes } from 'node:crypto';
import { HeClient } from '../../crypto/he/client.ts';
import { decrypt } from '../../crypto/he/decrypt.ts';
import { encrypt } from '../../crypto/he/encrypt.ts';
import { newCiphertext } from '../../crypto/he/evaluate.ts';
import { hide } from '../../crypto/he/hide.ts';
import { SecretKey } from '../../crypto/he/keys.ts';
import { decryptFromSeal, encryptForSeal } from '../../crypto/he/oracle/agreement.ts';
import { SealOracle } from '../../crypto/he/oracle/seal.ts';
import { secretCoefficients } from '../../crypto/he/oracle/secret-coefficients.ts';
import {
  DEGREE,
  INPUT_CIPHERTEXT_BYTES,
  outputCiphertextBytes,
  SEED_BYTES,
} from '../../crypto/he/parameters.ts';
import { newSigned, newWords } from '../../crypto/he/ring.ts';
import { UniformStream } from '../../crypto/he/sample.ts';
import { Prg, randomSeed } from '../../crypto/prg.ts';
import { kernels } from '../../kernels/load.ts';
import type { Entry } from './entry.ts';
import { mustEqual } from './plain.ts';

/** The benchmarks of encryption, the only ones that load SEAL. */
export async function encryptions(): Promise<Entry[]> {
  const oracle = await SealOracle.create();
  const { memory } = kernels();
  const prg = new Prg(randomSeed(), 'bench');
  const uniform = new UniformStream(prg.bytes(SEED_BYTES));
  const words = prg.words(DEGREE);
  const key = memory.scope(() => {
    const secret = newSigned();
    secret.set(secretCoefficients(oracle.transformedSecret));
    return new SecretKey(secret);
  });
  const bySeal = oracle.encrypt(words);
  const wire = new Uint8Array(INPUT_CIPHERTEXT_BYTES);
  const returned = new Uint8Array(outputCiphertextBytes(DEGREE));
  const all = Uint32Array.from({ length: DEGREE }, (_, i) => i);
  const rounded = (share: Uint32Array) => share.map((word, i) => (((word - words[i]) | 0) + 160) >>> 0);
  const common = { unit: 'ciphertexts of 4,096 words', units: 1 };
  return [
    {
      ...{ name: 'encryption; beside SEAL', ...common, floor: 5000 },
      run: () =>
        memory.scope(() => {
          const plaintext = newWords();
          plaintext.set(words);
          encrypt(plaintext, key.minus(), uniform, prg, wire);
        }),
      reference: { units: 1, run: () => oracle.encrypt(words) },
      check: () => mustEqual(oracle.decrypt(encryptForSeal(words, key, prg)), words),
    },
    {
      ...{ name: 'ciphertext made private', ...common, floor: 4000 },
      run: () =>
        memory.scope(() => {
          const [product, publicKey] = [newCiphertext(), newCiphertext()];
          hide(product, publicKey, { coefficients: all, elements: all }, words, prg, returned);
        }),
      check: () => new HeClient(new Uint8Array(randomBytes(16))).close(),
    },
    {
      ...{ name: 'decryption; beside SEAL', ...common, floor: 5000 },
      run: () => memory.scope(() => decrypt(returned, all, key.minus())),
      reference: { units: 1, run: () => oracle.decrypt(bySeal) },
      check: () => {
        const errors = rounded(decryptFromSeal(bySeal, key));
        mustEqual(
          errors.map((error) => Number(error <= 320)),
          new Uint32Array(DEGREE).fill(1),
        );
      },
    },
  ];
}
