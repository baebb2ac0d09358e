import { newToken } from '../server/identity/token-file.ts';
import type { Context } from './command.ts';

/** `sphynx tokens new NAME`: prints a bearer token, only once, and the line with its hash for the server's file. */
export async function newTokenCommand({ output }: Context, name: string): Promise<undefined> {
  const { token, line } = newToken(name);
  output.result(
    { name, token, line },
    [
      `token, for ${name} alone and shown only now:`,
      `  ${token}`,
      "line for the server's file of tokens:",
      `  ${line}`,
    ].join('\n'),
  );
}
