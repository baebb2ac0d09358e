import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { Output, type OutputOptions } from './output.ts';

/** The context of every command. */
export interface Context {
  readonly output: Output;
  /** Fires at the first Ctrl-C or SIGTERM. A second one ends the process at once. */
  readonly signal: AbortSignal;
}

/** Exit codes. */
const OK = 0;
const FAILED = 1;
export const USAGE = 2;

/**
 * Runs a command and returns its exit code: the command's own, or, with a message, 1 if it throws and 2 for wrong
 * usage.
 */
export async function runCommand(
  options: OutputOptions,
  command: (context: Context) => Promise<boolean | undefined>,
): Promise<void> {
  const output = new Output(options);
  const interrupt = new AbortController();
  const onSignal = () => {
    if (interrupt.signal.aborted) process.exit(FAILED);
    interrupt.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const succeeded = await command({ output, signal: interrupt.signal });
    process.exitCode = succeeded === false ? FAILED : OK;
  } catch (error) {
    const failure = interrupt.signal.aborted ? interrupted(error) : asSphynxError(error);
    output.failure(failure);
    process.exitCode = failure.code === 'config/invalid' ? USAGE : FAILED;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Returns the error after Ctrl-C, of which every failure is a consequence. */
function interrupted(cause: unknown): SphynxError {
  return new SphynxError(
    'aborted',
    'interrupted; bundles that are ready stay ready, and a bundle that an inference was using is lost',
    { cause },
  );
}
