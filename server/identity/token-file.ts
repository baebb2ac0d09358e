import { createHash, randomBytes } from 'node:crypto';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { FromFiles } from './from-files.ts';
import { type Identity, identityOf } from './identity.ts';

/** Identifies the kind of secret, to people and to scanners that look for leaked ones. */
const PREFIX = 'sphynx_';
const TOKEN = /^sphynx_[A-Za-z0-9_-]{43}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const LINE = /^(\S+)\s+sha256:([0-9a-f]{64})$/;

/**
 * A new bearer token (256 random bits) for `name`, and the line of the server's file that admits it. The hash needs no
 * salt and no slow function, because nobody can guess 256 bits. Throws 'config/invalid' for a name that a line cannot
 * hold.
 */
export function newToken(name: string): { token: string; line: string } {
  if (!NAME.test(name))
    throw new SphynxError(
      'config/invalid',
      `a token's name has 1 to 64 letters, digits and ._@-, and begins with a letter or digit; got "${name}"`,
    );
  const token = PREFIX + randomBytes(32).toString('base64url');
  return { token, line: `${name} sha256:${hashOf(token)}` };
}

/**
 * The bearer tokens that a file admits: one `NAME sha256:HEX` per line, and lines of comment that begin with #. Two
 * lines of one name are two tokens of one identity, which is how a token is replaced without a gap.
 */
export class TokenFile {
  readonly #names: FromFiles<Map<string, string>>;

  /** @throws SphynxError 'config/invalid' naming every wrong line */
  constructor(path: string) {
    this.#names = new FromFiles([path], ([content]) => parse(content.toString('utf8'), path));
  }

  /** Returns whether the file had changed. Throws as the constructor, and then keeps the old tokens. */
  reload(): boolean {
    return this.#names.reload();
  }

  /** Whether the text has the form of these tokens, rather than that of another method. */
  recognises(token: string): boolean {
    return token.startsWith(PREFIX);
  }

  /** Throws 'identity/invalid' for a token that the file does not have. */
  identify(token: string): Identity {
    // The map's keys are hashes, so the time of a look-up reveals nothing about the tokens.
    const name = TOKEN.test(token) ? this.#names.value.get(hashOf(token)) : undefined;
    if (name === undefined)
      throw new SphynxError('identity/invalid', 'the server does not know this token; ask for a new one');
    return identityOf('token', [name], name);
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function parse(text: string, path: string): Map<string, string> {
  const names = new Map<string, string>();
  const wrong: string[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const [, name = '', hash = ''] = LINE.exec(entry) ?? [];
    // The message omits the line itself, which may contain a token by mistake.
    if (!NAME.test(name))
      wrong.push(`line ${i + 1}: expected NAME sha256:HEX, as \`sphynx tokens new\` prints`);
    else if (names.has(hash)) wrong.push(`line ${i + 1}: the hash occurs twice in the file`);
    names.set(hash, name);
  }
  if (wrong.length > 0)
    throw new SphynxError('config/invalid', `cannot use the tokens in "${path}": ${wrong.join('; ')}`);
  return names;
}
