import { kernels } from './load.ts';

/**
 * Arithmetic in Z_q[X] / (X^n + 1) for a prime q < 2^30 with 2n | q - 1, n >= 8. Polynomials are arrays of n
 * words in kernel memory, in *coefficient* form (natural order) or *transformed* (bit-reversed order, a product is
 * pointwise). Words are below q unless said otherwise.
 */
export class NttPrime {
  readonly q: number;
  readonly n: number;
  readonly #tables: Record<'forward' | 'forwardShoup' | 'inverse' | 'inverseShoup', number>;
  readonly #scale: number;
  readonly #scaleShoup: number;

  /** Builds the tables, which stay in kernel memory (16 n bytes). */
  constructor(q: number, n: number) {
    this.q = q;
    this.n = n;
    const root = primitiveRoot(BigInt(q), BigInt(2 * n));
    const forward = powers(root, this);
    const inverse = powers(power(root, BigInt(q - 2), BigInt(q)), this);
    const keep = (words: Uint32Array) => {
      const view = kernels().memory.keep(words.byteLength);
      view.set(new Uint8Array(words.buffer));
      return view.byteOffset;
    };
    this.#tables = {
      forward: keep(forward),
      forwardShoup: keep(forward.map((w) => this.#shoup(w))),
      inverse: keep(inverse),
      inverseShoup: keep(inverse.map((w) => this.#shoup(w))),
    };
    this.#scale = Number(power(BigInt(n), BigInt(q - 2), BigInt(q)));
    this.#scaleShoup = this.#shoup(this.#scale);
  }

  /** Coefficient form (words below 4q) to transformed, in place. */
  forward(polynomial: Uint32Array): void {
    const { forward, forwardShoup } = this.#tables;
    kernels().call.nttForward(at(polynomial), this.n, this.q, forward, forwardShoup);
  }

  /** Transformed (words below 2q) to coefficient form, in place. */
  inverse(polynomial: Uint32Array): void {
    const { inverse, inverseShoup } = this.#tables;
    const { n, q } = this;
    kernels().call.nttInverse(at(polynomial), n, q, inverse, inverseShoup, this.#scale, this.#scaleShoup);
  }

  /** out = values mod q, for signed values of magnitude below q. */
  liftSigned(values: Int32Array, out: Uint32Array): void {
    kernels().call.liftSigned(at(values), at(out), this.n, this.q);
  }

  /** target += source mod q. */
  add(target: Uint32Array, source: Uint32Array): void {
    kernels().call.addModulo(at(target), at(source), this.n, this.q);
  }

  /**
   * target += noise mod q, where noise is the low bits + 1 bits of `random` [n u64 words] less 2^bits: uniform
   * in [-2^bits, 2^bits) and the same integer for every prime. bits < 63.
   */
  addFlooding(target: Uint32Array, random: Uint8Array, bits: number): void {
    kernels().call.addFlooding(at(target), at(random), this.n, this.q, bits);
  }

  #shoup(w: number): number {
    return Number((BigInt(w) << 32n) / BigInt(this.q));
  }
}

/** Products that may be added to a sum that is 0 before `reduce` or `toWords` has to be called: 16 * (2^30)^2 = 2^64. */
export const LAZY_PRODUCTS = 16;

/** A sum of pointwise products, kept in 64 bits and reduced late. `sums`: 8 n bytes in kernel memory, 0 at first. */
export class ProductSum {
  readonly #sums: Uint8Array;
  readonly #prime: NttPrime;
  #pending = 0;

  constructor(prime: NttPrime, sums: Uint8Array) {
    this.#prime = prime;
    this.#sums = sums;
    sums.fill(0);
  }

  /** Adds x * y; words below q. */
  add(x: Uint32Array, y: Uint32Array): void {
    if (this.#pending === LAZY_PRODUCTS) {
      kernels().call.reduceSums(at(this.#sums), this.#prime.n, this.#prime.q);
      this.#pending = 1; // what is left is less than one product
    }
    kernels().call.multiplyAccumulate(at(x), at(y), at(this.#sums), this.#prime.n);
    this.#pending++;
  }

  /** out = the sum mod q. */
  toWords(out: Uint32Array): void {
    kernels().call.sumsToWords(at(this.#sums), at(out), this.#prime.n, this.#prime.q);
  }
}

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** An element of order exactly 2n. */
function primitiveRoot(q: bigint, order: bigint): bigint {
  for (let g = 2n; ; g++) {
    const root = power(g, (q - 1n) / order, q);
    if (power(root, order / 2n, q) === q - 1n) return root;
  }
}

/** root^i at place bitreverse(i), for i < n. */
function powers(root: bigint, { q, n }: { q: number; n: number }): Uint32Array<ArrayBuffer> {
  const bits = Math.log2(n);
  const out = new Uint32Array(n);
  let value = 1n;
  for (let i = 0; i < n; i++) {
    let place = 0;
    for (let b = 0; b < bits; b++) place |= ((i >> b) & 1) << (bits - 1 - b);
    out[place] = Number(value);
    value = (value * root) % BigInt(q);
  }
  return out;
}

function power(base: bigint, exponent: bigint, q: bigint): bigint {
  let result = 1n;
  let square = base % q;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % q;
    square = (square * square) % q;
  }
  return result;
}
