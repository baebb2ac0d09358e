import { isAbsolute, join } from 'node:path';

/** The base of relative paths: the folder of the file that contains them, or the working folder. */
export interface Place {
  readonly folder: string;
}

/** One value of the configuration. */
export interface Field<Value> {
  /** A one-line description for authors of the file. */
  readonly about: string;
  /** Returns the value that was written. Throws an Error "expected ..., got ...". */
  parse(written: unknown, place: Place): Value;
  /** Converts text from the environment or the command line, before `parse`. */
  fromText(text: string): unknown;
  /** Returns the printable part of a parsed value; the whole value unless given. */
  shown?(value: Value): unknown;
}

/** Fields and sections by name. */
export interface Section {
  readonly [name: string]: Field<unknown> | Section;
}

/** The values of a section's fields. Every field may be missing. */
export type Values<Part> = {
  readonly [Name in keyof Part]?: Part[Name] extends Field<infer Value> ? Value : Values<Part[Name]>;
};

export function isField(part: Field<unknown> | Section): part is Field<unknown> {
  return typeof part.parse === 'function';
}

/** Text that is not empty. */
export function text(about: string): Field<string> {
  return { about, parse: textOf, fromText: (given) => given };
}

/** A URL of one of some schemes (`redis:`), which may hold a password: that is never printed, nor in errors. */
export function secretUrl(about: string, schemes: readonly string[]): Field<string> {
  return {
    about,
    parse(written) {
      const url = typeof written === 'string' && URL.canParse(written) ? new URL(written) : undefined;
      if (!url || !schemes.includes(url.protocol))
        throw new Error(`expected a URL of ${schemes.join(' or ')}`);
      return written as string;
    },
    fromText: (given) => given,
    shown(value) {
      const url = new URL(value);
      if (url.password !== '') url.password = '***';
      // Parameters may hold one as well.
      if (url.search !== '') url.search = '***';
      return url.href;
    },
  };
}

/** A file or folder. */
export function path(about: string): Field<string> {
  return { about, parse: pathOf, fromText: (given) => given };
}

/** Files or folders; in the environment and on the command line separated by commas. */
export function paths(about: string): Field<readonly string[]> {
  return {
    about,
    parse(written, place) {
      if (!Array.isArray(written) || written.length === 0) throw expected('a list of paths', written);
      return written.map((entry) => pathOf(entry, place));
    },
    fromText: (given) => given.split(','),
  };
}

/** true or false. */
export function flag(about: string): Field<boolean> {
  return {
    about,
    parse(written) {
      if (typeof written !== 'boolean') throw expected('true or false', written);
      return written;
    },
    fromText: (given) => ({ true: true, false: false })[given] ?? given,
  };
}

/** A whole number, which `check` may refuse with an Error. */
export function number(about: string, check: (value: number) => void): Field<number> {
  return {
    about,
    parse(written) {
      if (typeof written !== 'number') throw expected('a number', written);
      check(written);
      return written;
    },
    fromText: (given) => (/^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given),
  };
}

/** One of some words. */
export function choice<Word extends string>(about: string, words: readonly Word[]): Field<Word> {
  return { about, parse: (written) => wordOf(written, words), fromText: (given) => given };
}

/** Text of a certain form, which `about` names. */
export function checked<Word extends string>(
  about: string,
  holds: (text: string) => text is Word,
): Field<Word> {
  return {
    about,
    parse(written) {
      if (typeof written !== 'string' || !holds(written)) throw expected(about, written);
      return written;
    },
    fromText: (given) => given,
  };
}

/** A list of allowed words; in the environment and on the command line separated by commas. */
export function choices<Word extends string>(about: string, words: readonly Word[]): Field<readonly Word[]> {
  return {
    about,
    parse(written) {
      if (!Array.isArray(written) || written.length === 0)
        throw expected(`a list of ${words.join(', ')}`, written);
      return written.map((entry) => wordOf(entry, words));
    },
    fromText: (given) => given.split(','),
  };
}

/** Texts; in the environment and on the command line separated by commas. */
export function texts(about: string): Field<readonly string[]> {
  return {
    about,
    parse(written) {
      if (!Array.isArray(written) || written.length === 0) throw expected('a list of texts', written);
      return written.map(textOf);
    },
    fromText: (given) => given.split(','),
  };
}

function textOf(written: unknown): string {
  if (typeof written !== 'string' || written === '') throw expected('text', written);
  return written;
}

function pathOf(written: unknown, { folder }: Place): string {
  if (typeof written !== 'string' || written === '') throw expected('a path', written);
  return isAbsolute(written) ? written : join(folder, written);
}

function wordOf<Word extends string>(written: unknown, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === written);
  if (word === undefined) throw expected(`one of ${words.join(', ')}`, written);
  return word;
}

function expected(what: string, written: unknown): Error {
  return new Error(`expected ${what}, got ${JSON.stringify(written)}`);
}
