import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SphynxError } from '../errors/sphynx-error.ts';
import { commitOf, type Machine, thisMachine } from './machine.ts';
import { type Spread, spread } from './statistics.ts';

/** The files that the suites write: the measurements, with every sample, and the machine. */

export type SuiteKind = 'paper' | 'load' | 'breakdown';

/** A figure with all its samples, in the order in which they were taken. */
export interface Sampled extends Spread {
  readonly samples: readonly number[];
}

/** One network, or one setting of a study, between two processes. Suites add fields of their own. */
export interface Entry {
  /** What was measured; unique in a file together with `network`. Two files are compared by both. */
  readonly name: string;
  /** Profile of the network between the processes (transport/network-profiles.ts). */
  readonly network: string;
  /** The code that was measured: commitOf(). */
  readonly commit: string;
  /** When it was measured, ISO 8601. */
  readonly at: string;
  /** Samples by figure, whose name ends in the unit, such as `onlineMs`. Smaller is better. */
  readonly figures: Readonly<Record<string, Sampled>>;
}

export interface Results<E extends Entry = Entry> {
  readonly format: 1;
  readonly kind: SuiteKind;
  readonly machine: Machine;
  /** How it was measured, in sentences for people: processes, cores, warm-up. */
  readonly method: readonly string[];
  readonly entries: readonly E[];
}

/** Summarises at least one value. */
export function sampled(values: readonly number[]): Sampled {
  return { ...spread(values), samples: values.map((value) => Math.round(1000 * value) / 1000) };
}

/** Results without entries, measured here and now. */
export function emptyResults<E extends Entry>(kind: SuiteKind, method: readonly string[]): Results<E> {
  return { format: 1, kind, machine: thisMachine(), method, entries: [] };
}

/** Name, network, commit and time of an entry measured now. */
export function entryHead(name: string, network: string): Omit<Entry, 'figures'> {
  return { name, network, commit: commitOf(), at: new Date().toISOString() };
}

/** Returns the results with an entry, which replaces one of the same name and network. */
export function withEntry<E extends Entry>(results: Results<E>, entry: E): Results<E> {
  const others = results.entries.filter(
    ({ name, network }) => name !== entry.name || network !== entry.network,
  );
  return { ...results, entries: [...others, entry] };
}

/**
 * Reads results. Throws 'config/invalid' if the file is missing or does not contain results, of the given kind if any.
 */
export function readResults<E extends Entry = Entry>(file: string, kind?: SuiteKind): Results<E> {
  let results: Results<E>;
  try {
    results = JSON.parse(readFileSync(file, 'utf8')) as Results<E>;
  } catch (cause) {
    throw new SphynxError('config/invalid', `${file}: cannot be read as JSON`, { cause });
  }
  if (results?.format !== 1 || !Array.isArray(results.entries) || (kind && results.kind !== kind))
    throw new SphynxError('config/invalid', `${file} does not hold results${kind ? ` of ${kind}` : ''}`);
  return results;
}

/** Replaces the file atomically, so that an interrupted run keeps earlier results. Creates its folder. */
export function writeResults(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, `${JSON.stringify(results, null, 1)}\n`);
  renameSync(`${file}.part`, file);
}
