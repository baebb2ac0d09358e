import { kernels } from './load.ts';
import { type Factor, factor, shoupOf } from './modulo.ts';

/** Sums of pointwise products of transformed polynomials (kernels/ntt.ts) modulo one prime q < 2^27. */
export class InnerProduct {
  readonly #q: number;
  readonly #n: number;
  readonly #wide: Factor;
  readonly #one: number;

  /** `n` is a multiple of 16. */
  constructor(q: number, n: number) {
    this.#q = q;
    this.#n = n;
    this.#wide = factor(2n ** 32n, q);
    this.#one = shoupOf(1, q);
  }

  /**
   * out = sum of x * y over all `terms`, below q; all polynomials [n words below q] in kernel memory, at most
   * MOST_PRODUCTS terms. `out` may be one of them.
   */
  sum(terms: readonly (readonly [Uint32Array, Uint32Array])[], out: Uint32Array): void {
    const { call, memory } = kernels();
    memory.scope(() => {
      const addresses = memory.u32(2 * terms.length);
      for (const [i, [x, y]] of terms.entries()) {
        addresses[2 * i] = memory.address(x);
        addresses[2 * i + 1] = memory.address(y);
      }
      const { value, shoup } = this.#wide;
      call.innerProduct(
        addresses.byteOffset,
        terms.length,
        memory.address(out),
        this.#n,
        this.#q,
        value,
        shoup,
        this.#one,
      );
    });
  }
}

/** Products of words below 2^27 whose sum fits 64 bits. */
export const MOST_PRODUCTS = 1024;
