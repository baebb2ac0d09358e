import { kernels } from './load.ts';
import { type Factor, factor, inverseModulo, shoupOf } from './modulo.ts';

/**
 * Two primes p, q < 2^27 and Q = p * q: between words mod 2^32 and pairs of residues. All arrays lie in the kernel memory;
 * their length is a multiple of 4.
 */
export class PrimePair {
  readonly #primes: readonly [number, number];
  readonly #one: readonly [number, number];
  /** 1 / 2^32 modulo each prime. */
  readonly #unit: readonly [Factor, Factor];
  /** -Q mod 2^32. */
  readonly #minus: number;
  /** 1 / p mod q. */
  readonly #inverse: Factor;
  /** Of `scaleDown`, in kernel memory. */
  readonly #down: number;

  constructor(p: number, q: number) {
    this.#primes = [p, q];
    this.#one = [shoupOf(1, p), shoupOf(1, q)];
    const unit = (prime: number) => factor(inverseModulo(2n ** 32n, prime), prime);
    this.#unit = [unit(p), unit(q)];
    this.#minus = Number(BigInt.asUintN(32, -BigInt(p) * BigInt(q)));
    this.#inverse = factor(inverseModulo(BigInt(p), q), q);
    const kept = kernels().memory.keep(40);
    new Uint32Array(kept.buffer, kept.byteOffset, 10).set([...downConstants(p, q), ...downConstants(q, p)]);
    this.#down = kept.byteOffset;
  }

  /** out = words mod the prime of that index, below twice the prime. */
  reduce(words: Uint32Array, index: 0 | 1, out: Uint32Array): void {
    kernels().call.reduceWords(at(words), at(out), out.length, this.#primes[index], this.#one[index]);
  }

  /** out = round(Q * words / 2^32) + errors mod the prime of that index, below four times the prime; |errors| < 2^20. */
  scaleUp(words: Uint32Array, errors: Int32Array, index: 0 | 1, out: Uint32Array): void {
    const { value, shoup } = this.#unit[index];
    const prime = this.#primes[index];
    kernels().call.scaleUp(at(words), at(errors), at(out), out.length, prime, this.#minus, value, shoup);
  }

  /**
   * out = x * 2^32 / Q mod 2^32 to the nearest, for the x mod Q with these residues. The constants are rounded, so the
   * error is at most 1/2 + 1/32.
   */
  scaleDown(first: Uint32Array, second: Uint32Array, out: Uint32Array): void {
    kernels().call.scaleDown(at(first), at(second), at(out), out.length, this.#down);
  }

  /** out = x mod 2^32 for the integer x with these residues, |x| < Q / 4; words below their primes. */
  join(first: Uint32Array, second: Uint32Array, out: Uint32Array): void {
    const [p, q] = this.#primes;
    const { value, shoup } = this.#inverse;
    kernels().call.joinResidues(at(first), at(second), at(out), out.length, p, q, value, shoup);
  }
}

/** p, 1 / q mod p with its Shoup factor, and 2^64 / p in two words. */
function downConstants(p: number, q: number): number[] {
  const { value, shoup } = factor(inverseModulo(BigInt(q), p), p);
  const scale = (2n ** 64n + BigInt(p) / 2n) / BigInt(p);
  return [p, value, shoup, Number(scale & 0xffffffffn), Number(scale >> 32n)];
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);
