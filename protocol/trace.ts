/** Traces the computation of the roles, step by step, for profiles. The cost is not measurable while nobody listens. */

/** One uninterrupted piece of work of one role in one thread. */
export interface Step {
  readonly name: string;
  /** Layer, HE tensor for the steps on input ciphertexts, or NO_LAYER. */
  readonly layer: number;
  /** Start by the thread's `performance.now()` (ms). */
  readonly start: number;
  readonly ms: number;
}

/** Layer number of the steps that open a session. */
export const NO_LAYER = -1;

let listener: ((step: Step) => void) | undefined;

/** Calls `listen` at the end of every further step of this thread. It must return quickly. */
export function traceSteps(listen: (step: Step) => void): void {
  listener = listen;
}

/** Runs `work`, which must not wait for anything, as the step `name`. */
export function traced<Result>(name: string, layer: number, work: () => Result): Result {
  if (!listener) return work();
  const start = performance.now();
  const result = work();
  listener({ name, layer, start, ms: performance.now() - start });
  return result;
}
