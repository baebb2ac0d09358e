/** What only the holder of the secret key can see: the noise of a returned ciphertext. Support for tests. */
import { DATA_PRIMES, DEGREE } from '../../../crypto/he/parameters.ts';
import { load, type Seal, save } from '../../../crypto/he/seal.ts';
import { seededToWire, switchedFromWire } from '../../../crypto/he/serialize.ts';
import { kernels } from '../../../kernels/load.ts';
import { NttPrime } from '../../../kernels/ntt.ts';

const primes = DATA_PRIMES.slice(0, 2).map((q) => new NttPrime(q, DEGREE));

/** A key pair whose secret is open: the public key as sent, the secret's coefficients -1, 0, 1, and the two ways to use them. */
export function openKeys(seal: Seal) {
  const { module, context, prefixes } = seal;
  const generator = new module.KeyGenerator(context);
  const secretKey = generator.secretKey();
  const seeded = generator.createPublicKeySerializable();
  const publicKey = load(seal, new module.PublicKey(), save(seal, seeded));
  return {
    wire: seededToWire(save(seal, seeded), prefixes.seededPublicKey),
    encryptor: new module.Encryptor(context, publicKey, secretKey),
    decryptor: new module.Decryptor(context, secretKey),
    secret: secretCoefficients(save(seal, secretKey).slice(-8 * 4 * DEGREE)),
  };
}

/**
 * The secret polynomial from its transform modulo the first prime. SEAL evaluates at the powers of the smallest
 * root of unity, the kernels at those of another: the values are the same in another order.
 */
function secretCoefficients(words: Uint8Array): Int32Array {
  const values = new BigUint64Array(words.buffer, 0, DEGREE);
  const q = BigInt(primes[0].q);
  return kernels().memory.scope(() => {
    const { memory } = kernels();
    const identity = memory.u32(DEGREE).fill(0);
    identity[1] = 1;
    primes[0].forward(identity); // X at every root
    const place = new Map([...identity].map((root, i) => [root, i]));
    const root = BigInt(Math.min(...identity));
    const polynomial = memory.u32(DEGREE);
    let power = root;
    for (let i = 0; i < DEGREE; i++) {
      polynomial[place.get(Number(power))!] = Number(values[reverse(i)]);
      power = (power * root * root) % q;
    }
    primes[0].inverse(polynomial);
    return Int32Array.from(polynomial, (word) => (word > 1 ? word - primes[0].q : word));
  });
}

function reverse(i: number): number {
  let out = 0;
  for (let bit = 1; bit < DEGREE; bit <<= 1) out = 2 * out + (i & bit ? 1 : 0);
  return out;
}

/** The noise of a returned ciphertext at the kept coefficients: c0 + c1 s = q' m / t + noise mod q'. */
export function returnedNoise(seal: Seal, secret: Int32Array, wire: Uint8Array, kept: Uint32Array): number[] {
  const saved = switchedFromWire(seal, wire, kept);
  const words = new BigUint64Array(saved.slice(-8 * 4 * DEGREE).buffer);
  const { memory } = kernels();
  const phases = primes.map((prime, p) =>
    memory.scope(() => {
      const [key, c1] = [memory.u32(DEGREE), memory.u32(DEGREE)];
      key.set(secret.map((s) => (s < 0 ? prime.q - 1 : s)));
      c1.set(Uint32Array.from(words.subarray((2 + p) * DEGREE, (3 + p) * DEGREE), Number));
      prime.forward(key);
      prime.forward(c1);
      for (let i = 0; i < DEGREE; i++) c1[i] = Number((BigInt(c1[i]) * BigInt(key[i])) % BigInt(prime.q));
      prime.inverse(c1);
      return Array.from(kept, (k) => (words[p * DEGREE + k] + BigInt(c1[k])) % BigInt(prime.q));
    }),
  );
  const [p, q] = primes.map((prime) => BigInt(prime.q));
  const inverse = BigInt(modularInverse(p % q, q));
  const t = 2n ** 32n;
  return phases[0].map((a, i) => {
    const phase = a + p * (((((phases[1][i] - a) * inverse) % q) + q) % q);
    const scaled = (t * phase) % (p * q);
    return Number(scaled > (p * q) / 2n ? scaled - p * q : scaled) / Number(t);
  });
}

function modularInverse(value: bigint, q: bigint): bigint {
  let [a, b, x, y] = [value, q, 1n, 0n];
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return x;
}
