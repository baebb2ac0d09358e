import { kernels } from '../../../kernels/load.ts';
import { DEGREE } from '../parameters.ts';
import { newWords, ring } from '../ring.ts';

/**
 * The coefficients -1, 0, 1 of a secret polynomial from its transform modulo the first prime as SEAL has it. SEAL evaluates at the
 * powers of the smallest root of unity, the kernels at those of another: the values are the same in another order.
 */
export function secretCoefficients(transformed: Uint32Array): Int32Array {
  const [prime] = ring().ntt;
  const q = BigInt(prime.q);
  return kernels().memory.scope(() => {
    const identity = newWords().fill(0);
    identity[1] = 1;
    prime.forward(identity); // X at every root
    const place = new Map([...identity].map((root, i) => [root, i]));
    const root = BigInt(Math.min(...identity));
    const polynomial = newWords();
    let power = root;
    for (let i = 0; i < DEGREE; i++) {
      polynomial[place.get(Number(power)) as number] = transformed[reverse(i)];
      power = (power * root * root) % q;
    }
    prime.inverse(polynomial);
    return Int32Array.from(polynomial, (word) => (word > 1 ? word - prime.q : word));
  });
}

/** The bits of a place, reversed. */
function reverse(i: number): number {
  let out = 0;
  for (let bit = 1; bit < DEGREE; bit <<= 1) out = 2 * out + (i & bit ? 1 : 0);
  return out;
}
