import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { SphynxError } from '../../errors/sphynx-error.ts';
import {
  fieldsOf,
  isTree,
  overlay,
  parseTexts,
  parseTree,
  refuse,
  type Tree,
  VARIABLE_PREFIX,
  variableOf,
} from './layers.ts';
import { type Config, DEFAULTS, SCHEMA } from './schema.ts';

/** Sources of configuration, in ascending order of precedence. */
export interface ConfigSources {
  /** Defaults in addition to DEFAULTS. */
  readonly defaults?: Config;
  /** YAML or JSON. */
  readonly file?: string;
  /** Its SPHYNX_SERVE_ variables. */
  readonly environment?: NodeJS.ProcessEnv;
  /** `path=value`, as `--set` takes them. */
  readonly settings?: readonly string[];
  /** Options of the command line that have a field, as they were parsed. */
  readonly options?: Config;
}

/** The effective configuration, in which all fields of DEFAULTS are present. */
export type EffectiveConfig = Config & {
  readonly [Name in keyof typeof DEFAULTS]-?: NonNullable<Config[Name]>;
};

/**
 * Combines the sources. Paths in the file are relative to its folder, others to the working folder.
 *
 * @throws SphynxError 'config/invalid' naming every wrong field of every source, or saying where YAML is wrong
 */
export function loadConfig(sources: ConfigSources): EffectiveConfig {
  const { defaults = {}, file, environment = {}, settings = [], options = {} } = sources;
  const problems: string[] = [];
  const here = { folder: process.cwd() };
  const layers: Tree[] = [
    DEFAULTS,
    defaults,
    file === undefined ? {} : parseTree(SCHEMA, readYaml(file), { folder: dirname(resolve(file)) }, problems),
    parseTexts(SCHEMA, variables(environment), here, problems),
    parseTexts(SCHEMA, settings.map(setting), here, problems),
    // Options come as typed values; paths of theirs become absolute like all others.
    parseTree(SCHEMA, given(options), here, problems),
  ];
  const config = layers.reduce(overlay) as unknown as EffectiveConfig;
  problems.push(...contradictions(config));
  refuse(problems, file === undefined ? 'the configuration' : `the configuration "${file}"`);
  return config;
}

/** Returns problems with fields that require or exclude each other. */
function contradictions({ tls, store, web, identity: { jwt } }: EffectiveConfig): string[] {
  const problems: string[] = [];
  if (store?.redisReplicas !== undefined && store.redis === undefined)
    problems.push('store.redis: replicas are those of a Redis; give its URL');
  if (tls && tls.certificate === undefined)
    problems.push('tls.certificate: TLS needs a certificate (--tls-cert)');
  if (tls && tls.key === undefined) problems.push('tls.key: TLS needs the private key (--tls-key)');
  if (tls?.clientCertificates !== undefined && tls.clientCa === undefined)
    problems.push('tls.clientCa: client certificates need an authority to check them with');
  if (jwt && (jwt.jwksFile === undefined) === (jwt.jwksUrl === undefined))
    problems.push('identity.jwt: name one source of keys, jwksFile or jwksUrl');
  if (jwt && jwt.issuer === undefined) problems.push('identity.jwt.issuer: tokens need an issuer');
  if (jwt && jwt.audience === undefined) problems.push('identity.jwt.audience: tokens need an audience');
  if (web?.origins !== undefined && web.listen === undefined)
    problems.push('web.listen: origins are those of pages; say where they can call');
  if (web?.page && web.listen === undefined) problems.push('web.listen: say where to serve the page');
  return problems;
}

function readYaml(file: string): unknown {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SphynxError('config/invalid', `cannot read "${file}": ${(cause as Error).message}`, { cause });
  }
  // JSON is YAML. A duplicate key would hide its first value; aliases could expand to a huge document.
  const document = parseDocument(source, { uniqueKeys: true });
  const [first] = document.errors;
  if (first) throw new SphynxError('config/invalid', `"${file}" is not YAML or JSON: ${first.message}`);
  try {
    return document.toJS({ maxAliasCount: 10 });
  } catch (cause) {
    throw new SphynxError('config/invalid', `"${file}" cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function variables(environment: NodeJS.ProcessEnv): { path: string; text: string; name: string }[] {
  const paths = new Map(fieldsOf(SCHEMA).map(([path]) => [variableOf(path), path]));
  return Object.entries(environment)
    .filter(([name]) => name.startsWith(VARIABLE_PREFIX))
    .map(([name, text = '']) => ({ path: paths.get(name) ?? name, text, name }));
}

function setting(text: string): { path: string; text: string; name: string } {
  const [, path = text, value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  return { path, text: value, name: `--set ${path}` };
}

/** Removes options, and sections of options, that were not given. */
function given(options: Tree): Tree {
  const kept: Tree = {};
  for (const [name, value] of Object.entries(options)) {
    const content = isTree(value) ? given(value) : value;
    if (content !== undefined && !(isTree(content) && Object.keys(content).length === 0))
      kept[name] = content;
  }
  return kept;
}
