import { SphynxError } from '../errors/sphynx-error.ts';

/** Reads the fields of an untrusted JSON value one by one; `where` names the place in errors. */
export class Fields {
  readonly where: string;
  readonly #record: Record<string, unknown>;

  /** Throws 'model/format' unless `value` is a plain object. */
  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw refuse(where, 'an object', value);
    this.where = where;
    this.#record = value as Record<string, unknown>;
  }

  /** Returns the value of an own property; undefined if there is none. */
  value(key: string): unknown {
    return Object.hasOwn(this.#record, key) ? this.#record[key] : undefined;
  }

  fields(key: string): Fields {
    return new Fields(this.value(key), this.#at(key));
  }

  integer(key: string, min: number, max: number): number {
    const value = this.value(key);
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      throw refuse(this.#at(key), `an integer from ${min} to ${max}`, value);
    return value as number;
  }

  /** Reads one of the given constants. */
  oneOf<T extends string | number>(key: string, ...allowed: T[]): T {
    const value = this.value(key);
    if (!allowed.includes(value as T)) throw refuse(this.#at(key), allowed.join(' or '), value);
    return value as T;
  }

  /** Reads text that matches the pattern. Every pattern must bound the length. */
  text(key: string, pattern: RegExp): string {
    const value = this.value(key);
    if (typeof value !== 'string' || !pattern.test(value))
      throw refuse(this.#at(key), `text like ${pattern}`, value);
    return value;
  }

  /** Reads a list of min to max values, which the caller checks one by one. */
  list(key: string, min: number, max: number): unknown[] {
    const value = this.value(key);
    if (!Array.isArray(value) || value.length < min || value.length > max)
      throw refuse(this.#at(key), `a list of ${min} to ${max} entries`, value);
    return value;
  }

  /** A list of exactly `length` numbers in [min, max]. */
  numbers(key: string, length: number, min: number, max: number): number[] {
    return this.list(key, length, length).map((value, i) => {
      if (typeof value !== 'number' || !(value >= min && value <= max))
        throw refuse(`${this.#at(key)}[${i}]`, `a number from ${min} to ${max}`, value);
      return value;
    });
  }

  /** A list of exactly `length` integers from min to max. */
  integers(key: string, length: number, min: number, max: number): number[] {
    return this.numbers(key, length, min, max).map((value, i) => {
      if (!Number.isSafeInteger(value)) throw refuse(`${this.#at(key)}[${i}]`, 'an integer', value);
      return value;
    });
  }

  /** A list of min to max texts that match the pattern. */
  texts(key: string, min: number, max: number, pattern: RegExp): string[] {
    return this.list(key, min, max).map((value, i) => {
      if (typeof value !== 'string' || !pattern.test(value))
        throw refuse(`${this.#at(key)}[${i}]`, `text like ${pattern}`, value);
      return value;
    });
  }

  /** A list of min to max objects. */
  each<T>(key: string, min: number, max: number, read: (fields: Fields, index: number) => T): T[] {
    return this.list(key, min, max).map((value, i) => read(new Fields(value, `${this.#at(key)}[${i}]`), i));
  }

  #at(key: string): string {
    return `${this.where}.${key}`;
  }
}

function refuse(where: string, expected: string, value: unknown): SphynxError {
  const got = Array.isArray(value)
    ? `a list of ${value.length}`
    : typeof value === 'number'
      ? String(value)
      : value === null
        ? 'null'
        : typeof value;
  return new SphynxError('model/format', `${where}: expected ${expected}, got ${got}`);
}
