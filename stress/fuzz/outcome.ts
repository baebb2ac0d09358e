import { SphynxError, type SphynxErrorCode } from '../../errors/sphynx-error.ts';

/** The outcome of a case: success, a code of ours, no end, or an error that is not ours. */
export type Outcome = 'passed' | SphynxErrorCode | 'hang' | { readonly unexpected: string };

/** Longest time that a case may take (ms): more than any deadline in it, on a busy machine. */
export const PATIENCE_MS = 30_000;

/** Runs an attack until it ends, or for as long as it may take. */
export async function outcomeOf(attack: () => Promise<void>): Promise<Outcome> {
  const hang = Promise.withResolvers<'hang'>();
  const timer = setTimeout(() => hang.resolve('hang'), PATIENCE_MS);
  try {
    const over = attack().then(
      (): Outcome => 'passed',
      (error: unknown): Outcome =>
        error instanceof SphynxError ? error.code : { unexpected: String((error as Error)?.stack ?? error) },
    );
    return await Promise.race([over, hang.promise]);
  } finally {
    clearTimeout(timer);
  }
}
