import type { Command } from 'commander';
import { asSphynxError } from '../errors/sphynx-error.ts';

/** Says something to the person who waits; the result alone goes to stdout. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs the command that the arguments name. Its failure becomes a line and an exit code: 2 for wrong arguments, else 1. */
export async function runProgram(program: Command): Promise<void> {
  // Ctrl-C reaches the processes that were started too: they die, the command fails and cleans up.
  process.on('SIGINT', () => {});
  await program.parseAsync().catch((error: unknown) => {
    const { code, message, cause } = asSphynxError(error);
    note(`${program.name()}: ${code}: ${message}`);
    if (cause instanceof Error) note(`${cause.stack}`);
    process.exitCode = code === 'config/invalid' ? 2 : 1;
  });
}
