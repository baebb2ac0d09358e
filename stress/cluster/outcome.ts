import { asSphynxError } from '../../errors/sphynx-error.ts';

/** One inference, or one attempt to prepare bundles, as it ended. */
export interface Outcome {
  readonly what: 'classify' | 'prepare';
  /** When it ended (ms since the epoch), and how long it took (ms). */
  readonly at: number;
  readonly ms: number;
  /** Of an inference that gave a result. */
  readonly result?: Result;
  readonly failure?: Failure;
}

export interface Result {
  readonly bundleId: string;
  /** As the integer executor's. */
  readonly right: boolean;
}

/** What the caller was told. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Runs `work` and tells how it ended. */
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
