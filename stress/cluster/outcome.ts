import { asSphynxError } from '../../errors/sphynx-error.ts';

/** The outcome of one inference, or of one attempt to prepare bundles. */
export interface Outcome {
  readonly what: 'classify' | 'prepare';
  /** When it ended (ms since the epoch), and how long it took (ms). */
  readonly at: number;
  readonly ms: number;
  /** Result of a successful inference. */
  readonly result?: Result;
  readonly failure?: Failure;
}

export interface Result {
  readonly bundleId: string;
  /** Whether it agrees with the integer executor. */
  readonly right: boolean;
}

/** A failure as reported to the caller. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Runs `work` and returns its outcome. */
export async function outcomeOf(
  what: Outcome['what'],
  work: () => Promise<Result | undefined>,
): Promise<Outcome> {
  const start = performance.now();
  const ended = (end: Pick<Outcome, 'result' | 'failure'>): Outcome => ({
    ...{ what, at: Date.now(), ms: performance.now() - start, ...end },
  });
  try {
    return ended({ result: await work() });
  } catch (error) {
    return ended({ failure: failureOf(error) });
  }
}

export function failureOf(error: unknown): Failure {
  const { code, message } = asSphynxError(error);
  return { code, message };
}
