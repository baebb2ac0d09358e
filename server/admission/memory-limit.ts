import { SphynxError } from '../../errors/sphynx-error.ts';
import { MEMORY_RETRY_MS } from '../limits.ts';

/** Refuses preparations when the process is short of memory. Inferences need little memory and are not refused. */
export class MemoryLimit {
  readonly #limits: { readonly memoryBytes: number };
  readonly #resident: () => number;

  /** @param limits read at each question. @param resident resident memory of the process (bytes); a test seam */
  constructor(
    limits: { readonly memoryBytes: number },
    resident: () => number = () => process.memoryUsage.rss(),
  ) {
    this.#limits = limits;
    this.#resident = resident;
  }

  /** Throws 'server/busy', with a hint, if no preparation may begin now. */
  checkRoom(): void {
    if (this.#resident() < this.#limits.memoryBytes) return;
    throw new SphynxError('server/busy', 'the server has no memory left for preparations; try again later', {
      retryAfterMs: MEMORY_RETRY_MS,
    });
  }
}
