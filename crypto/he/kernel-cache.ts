import { kernels } from '../../kernels/load.ts';
import { keepResidues, type Residues } from './ring.ts';

/** What it takes to know that a polynomial has no coefficients (bytes, roughly). */
const ENTRY_BYTES = 64;

/**
 * Kernels in the transformed domain, which are the same for every bundle of a model. They lie in the kernel memory, where
 * products read them, and stay there. Up to a limit: what finds no room is transformed anew each time. Kernels are told
 * apart by their array, so it must not change.
 */
export class KernelCache {
  readonly #kernels = new WeakMap<Int32Array, Map<string, Residues | null>>();
  #room: number;

  /** `limit`: bytes of transformed kernels; 0 caches nothing. At most half of the kernel memory is used. */
  constructor(limit: number) {
    this.#room = Math.min(limit, kernels().memory.buffer.byteLength / 2);
  }

  /**
   * The transforms of one polynomial of `weights`, or null if it has no coefficients. `place` says which one it is;
   * `transform` makes it, in the scope of kernel memory, when it is not here.
   */
  get(weights: Int32Array, place: string, transform: () => Residues | null): Residues | null {
    let polynomials = this.#kernels.get(weights);
    const known = polynomials?.get(place);
    if (known !== undefined) return known;
    const transformed = transform();
    const bytes = transformed ? transformed[0].byteLength + transformed[1].byteLength : ENTRY_BYTES;
    if (bytes > this.#room) return transformed;
    this.#room -= bytes;
    if (!polynomials) {
      polynomials = new Map();
      this.#kernels.set(weights, polynomials);
    }
    const kept = transformed && keepResidues(transformed);
    polynomials.set(place, kept);
    return kept;
  }
}
