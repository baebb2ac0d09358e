import { kernels } from '../../kernels/load.ts';
import { keepResidues, type Residues } from './ring.ts';

/** Approximate size of the entry for a polynomial without coefficients (bytes). */
const ENTRY_BYTES = 64;

/** Kernel memory that a cache leaves for other uses (bytes); the ciphertexts of a part take about 50 MB. */
const LEAST_FREE = 2 ** 28;

/**
 * Kernels in the transformed domain, which are the same for every bundle of a model. They stay in the kernel memory,
 * where products read them, even when the model is removed. Kernels beyond the limit are transformed again each time.
 * Kernels are identified by their array, which must not change.
 */
export class KernelCache {
  readonly #kernels = new WeakMap<Int32Array, Map<string, Residues | null>>();
  #room: number;

  /** `limit`: bytes of transformed kernels; 0 caches nothing. */
  constructor(limit: number) {
    this.#room = limit;
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
    if (bytes > Math.min(this.#room, kernels().memory.free - LEAST_FREE)) return transformed;
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
