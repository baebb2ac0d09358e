import { SphynxError } from '../../errors/sphynx-error.ts';
import { type Field, isField, type Place, type Section } from './fields.ts';

/** Values by section and name, as they were written or parsed. */
export interface Tree {
  [name: string]: unknown;
}

/** Every field of a section with its path: `limits.sessions`. */
export function fieldsOf(section: Section, above = ''): [path: string, field: Field<unknown>][] {
  return Object.entries(section).flatMap(([name, part]) =>
    isField(part) ? [[above + name, part] as [string, Field<unknown>]] : fieldsOf(part, `${above}${name}.`),
  );
}

/** The variable of the environment that sets a field: `limits.bundlesPerClient` is SPHYNX_SERVE_LIMITS_BUNDLES_PER_CLIENT. */
export function variableOf(path: string): string {
  const words = path.replace(/([a-z])([A-Z])/g, '$1_$2').replaceAll('.', '_');
  return VARIABLE_PREFIX + words.toUpperCase();
}

export const VARIABLE_PREFIX = 'SPHYNX_SERVE_';

/**
 * Parses one layer of configuration that is written as nested sections. Adds every problem, with the path of its field,
 * to `problems`, and returns the rest.
 */
export function parseTree(
  section: Section,
  written: unknown,
  place: Place,
  problems: string[],
  above = '',
): Tree {
  // An empty section is written as nothing at all.
  if (written === null || written === undefined) return {};
  if (typeof written !== 'object' || Array.isArray(written)) {
    problems.push(`${above.slice(0, -1) || 'the file'}: expected fields with values`);
    return {};
  }
  const tree: Tree = {};
  for (const [name, value] of Object.entries(written)) {
    const part = Object.hasOwn(section, name) ? section[name] : undefined;
    const path = above + name;
    if (part === undefined) problems.push(`${path}: ${unknown(name, Object.keys(section))}`);
    else if (!isField(part)) tree[name] = parseTree(part, value, place, problems, `${path}.`);
    else tree[name] = attempt(part, value, place, path, problems);
  }
  return tree;
}

/**
 * Parses one layer of configuration that is given as texts by path. Each has a name for `problems`: its variable or
 * option.
 */
export function parseTexts(
  section: Section,
  texts: readonly { readonly path: string; readonly text: string; readonly name: string }[],
  place: Place,
  problems: string[],
): Tree {
  const fields = new Map(fieldsOf(section));
  const tree: Tree = {};
  for (const { path, text, name } of texts) {
    const field = fields.get(path);
    if (field) put(tree, path.split('.'), attempt(field, field.fromText(text), place, name, problems));
    else problems.push(`${name}: there is no such field`);
  }
  return tree;
}

/** Overlays `upper` on `lower`: merges sections, replaces values and lists. */
export function overlay(lower: Tree, upper: Tree): Tree {
  const merged = { ...lower };
  for (const [name, value] of Object.entries(upper)) {
    const below = merged[name];
    if (value !== undefined) merged[name] = isTree(below) && isTree(value) ? overlay(below, value) : value;
  }
  return merged;
}

/** Returns the printable parts of parsed values. */
export function shown(section: Section, tree: Tree): Tree {
  const entries = Object.entries(tree).map(([name, value]) => {
    const part = section[name];
    if (value === undefined || !isField(part))
      return [name, isTree(value) ? shown(part as Section, value) : value];
    return [name, part.shown ? part.shown(value) : value];
  });
  return Object.fromEntries(entries);
}

/** Throws 'config/invalid' with all problems at once, if there are any. */
export function refuse(problems: readonly string[], where: string): void {
  if (problems.length > 0)
    throw new SphynxError('config/invalid', `${where} cannot be used:\n  ${problems.join('\n  ')}`);
}

function attempt(
  field: Field<unknown>,
  value: unknown,
  place: Place,
  name: string,
  problems: string[],
): unknown {
  try {
    return field.parse(value, place);
  } catch (error) {
    problems.push(`${name}: ${(error as Error).message}`);
    return undefined;
  }
}

function put(tree: Tree, [name, ...below]: string[], value: unknown): void {
  if (below.length === 0) {
    tree[name] = value;
    return;
  }
  tree[name] ??= {};
  put(tree[name] as Tree, below, value);
}

/** Whether it is a section, and no value or list. */
export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknown(name: string, known: readonly string[]): string {
  const alike = known.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return alike
    ? `there is no such field; do you mean ${alike}?`
    : `there is no such field; there are ${known.join(', ')}`;
}
