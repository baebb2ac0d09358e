import type { Command } from 'commander';
import { asSphynxError } from '../errors/sphynx-error.ts';

/** Prints progress to stderr; only the result goes to stdout. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Runs the command that the arguments name. A failure is reported in one line and by an exit code: 2 for wrong
 * arguments, otherwise 1.
 */
export async function runProgram(program: Command): Promise<void> {
  // Ctrl-C also reaches the started processes: they die, and the command fails and cleans up.
  process.on('SIGINT', () => {});
  await program.parseAsync().catch((error: unknown) => {
    const { code, message, cause } = asSphynxError(error);
    note(`${program.name()}: ${code}: ${message}`);
    if (cause instanceof Error) note(`${cause.stack}`);
    process.exitCode = code === 'config/invalid' ? 2 : 1;
  });
}
