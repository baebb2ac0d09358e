import { kernels } from './load.ts';
import { type Factor, factor, inverseModulo, power, shoupOf } from './modulo.ts';

/**
 * Arithmetic in Z_q[X] / (X^n + 1) for a prime q < 2^30 with 2n | q - 1, n >= 8. Polynomials are arrays of n
 * words in kernel memory, in *coefficient* form (natural order) or *transformed* (bit-reversed order, a product is
 * pointwise). Words are below q unless said otherwise.
 */
export class NttPrime {
  readonly q: number;
  readonly n: number;
  readonly #tables: Record<'forward' | 'forwardShoup' | 'inverse' | 'inverseShoup', number>;
  readonly #scale: Factor;

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
      forwardShoup: keep(forward.map((w) => shoupOf(w, q))),
      inverse: keep(inverse),
      inverseShoup: keep(inverse.map((w) => shoupOf(w, q))),
    };
    this.#scale = factor(inverseModulo(BigInt(n), q), q);
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
    const { value, shoup } = this.#scale;
    kernels().call.nttInverse(at(polynomial), n, q, inverse, inverseShoup, value, shoup);
  }

  /** out = values mod q, for signed values of magnitude below q. */
  liftSigned(values: Int32Array, out: Uint32Array): void {
    kernels().call.liftSigned(at(values), at(out), this.n, this.q);
  }

  /** target += source mod q. */
  add(target: Uint32Array, source: Uint32Array): void {
    kernels().call.addModulo(at(target), at(source), this.n, this.q);
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
