import type { SphynxError } from '../errors/sphynx-error.ts';

export interface OutputOptions {
  /** One machine-readable object on stdout and nothing else there. */
  readonly json?: boolean;
  /** Prints stack traces with failures. */
  readonly verbose?: boolean;
}

/** The output of a command: the result on stdout, everything else on stderr. */
export class Output {
  readonly json: boolean;
  readonly #verbose: boolean;

  constructor({ json = false, verbose = false }: OutputOptions) {
    this.json = json;
    this.#verbose = verbose;
    // A reader that stops early (`| head`) is not a failure.
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }

  /** Prints the result of the command; call it once. */
  result(value: unknown, text: string): void {
    process.stdout.write(`${printable(this.json ? JSON.stringify(value, arraysForTyped) : text)}\n`);
  }

  /** Prints a remark for people. */
  note(text: string): void {
    process.stderr.write(`${printable(text)}\n`);
  }

  /** Prints a failure in one line with its code and message; with --json as an object on stdout. */
  failure(error: SphynxError): void {
    if (this.json) this.result({ error: failureOf(error) }, '');
    this.note(`sphynx: ${error.code}: ${error.message}`);
    if (this.#verbose) this.note(describe(error));
    else if (error.code === 'internal') this.note('sphynx: please report this with the output of --verbose');
  }
}

/**
 * `text` with control and formatting characters other than line ends as \uXXXX, which JSON reads back as they were.
 * Servers and file names could otherwise send control sequences to the terminal.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n]/gu, (character) =>
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
}

/** Returns a failure in the form for programs; `retryAfterMs` is present if the error has a retry hint. */
export function failureOf({ code, message, retryAfterMs }: SphynxError) {
  return { code, message, retryAfterMs };
}

/** Stack traces down to the first cause. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const below = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack}${below}`;
}

/** For JSON.stringify: typed arrays as arrays. */
function arraysForTyped(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as Float64Array)
    : value;
}
