import { SphynxError } from '../errors/sphynx-error.ts';
import { isOutput } from '../model/output.ts';
import { DIGIT_BITS } from '../protocol/label-encoding.ts';
import type { ServerOptions } from './options.ts';

/** Checks an option's value and describes what is expected. */
interface Rule {
  readonly expected: string;
  fits(value: unknown): boolean;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const text = (expected: string): Rule => ({ expected, fits: isText });
const flag: Rule = { expected: 'true or false', fits: (value) => typeof value === 'boolean' };
const section = (expected: string, ...needed: readonly string[]): Rule => ({
  expected,
  fits: (value) =>
    isObject(value) && needed.every((name) => isText((value as Record<string, unknown>)[name])),
});
const address: Rule = {
  expected: 'HOST:PORT, such as 127.0.0.1:50051',
  fits: (value) =>
    isText(value) &&
    /^(\[[^\]]+\]|[^\s:/[\]]+):\d{1,5}$/.test(value) &&
    !(Number(value.split(':').at(-1)) > 65535),
};

/** A rule for every option; names that are not listed are not options. */
const RULES: Record<keyof ServerOptions, Rule> = {
  address,
  models: {
    expected: 'a list of folders, { path, output } or networks, with one or more',
    fits: (value) =>
      Array.isArray(value) && value.length > 0 && value.every((model) => isText(model) || isObject(model)),
  },
  stateFolder: text('the path of a folder'),
  redis: section('{ url }', 'url'),
  storeKeys: text('the path of a file'),
  tls: section('{ certificate, key }, paths of PEM files', 'certificate', 'key'),
  insecure: flag,
  identity: section('{ tokens, jwt, anonymous }'),
  setting: {
    expected: Object.keys(DIGIT_BITS).join(' or '),
    fits: (value) => typeof value === 'string' && Object.hasOwn(DIGIT_BITS, value),
  },
  output: { expected: 'logits, label, or top-2 and up', fits: (value) => isText(value) && isOutput(value) },
  limits: section('an object of limits'),
  web: section('{ address, origins, page }', 'address'),
  metrics: text('PORT or HOST:PORT, as text'),
  reflection: flag,
  logger: { expected: "a logger of pino's", fits: (value) => isObject(value) && 'child' in value },
};

/** Required options. */
const NEEDED: readonly (keyof ServerOptions)[] = ['address', 'models'];

/** Checks the options of programs that TypeScript has not checked. Throws 'config/invalid' naming all wrong ones. */
export function checkOptions(options: ServerOptions): void {
  if (!isObject(options)) throw new SphynxError('config/invalid', 'startServer takes an object of options');
  const wrong: string[] = [];
  for (const name of NEEDED)
    if (options[name] === undefined) wrong.push(`${name} is missing: ${RULES[name].expected}`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(RULES, name)) wrong.push(`there is no option ${name}`);
    else if (!RULES[name as keyof ServerOptions].fits(value))
      wrong.push(`${name} must be ${RULES[name as keyof ServerOptions].expected}`);
  }
  if (wrong.length > 0) throw new SphynxError('config/invalid', `startServer: ${wrong.join('; ')}`);
}
