/** What the roles compute, step by step, for profiles. It costs nothing measurable while nobody listens. */

/** One piece of work without a pause: of one role, in one thread. */
export interface Step {
  readonly name: string;
  /** Layer, HE tensor for the steps on input ciphertexts, or NO_LAYER. */
  readonly layer: number;
  /** By `performance.now()` of the thread (ms). */
  readonly start: number;
  readonly ms: number;
}

/** Of the steps that open a session. */
export const NO_LAYER = -1;

let listener: ((step: Step) => void) | undefined;

/** From now on `listen` is told every step of this thread, at its end. It must be quick. */
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
