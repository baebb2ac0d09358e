import { readFileSync } from 'node:fs';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** A value derived from files, which is derived again when they change. */
export class FromFiles<Value> {
  readonly #paths: readonly string[];
  readonly #make: (contents: Buffer[]) => Value;
  /** The contents read last, used or not; undefined for a file that could not be read. */
  #seen: (Buffer | undefined)[];
  #value: Value;

  /** @throws SphynxError 'config/invalid' if a file cannot be read, and what `make` throws */
  constructor(paths: readonly string[], make: (contents: Buffer[]) => Value) {
    this.#paths = paths;
    this.#make = make;
    this.#seen = paths.map(read);
    this.#value = make(this.#seen as Buffer[]);
  }

  get value(): Value {
    return this.#value;
  }

  /**
   * Reads the files again. Returns whether there is a new value. Throws as the constructor, once for each change, and
   * then keeps the old value, because only one file of a pair may have been written yet.
   */
  reload(): boolean {
    const contents = this.#paths.map(tryRead);
    if (contents.every((content, i) => same(content, this.#seen[i]))) return false;
    this.#seen = contents;
    this.#value = this.#make(contents.map((content, i) => content ?? read(this.#paths[i])));
    return true;
  }
}

function same(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new SphynxError('config/invalid', `cannot read "${path}": ${(cause as Error).message}`, { cause });
  }
}

function tryRead(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
