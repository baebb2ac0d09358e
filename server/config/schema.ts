import { isOutput } from '../../model/output.ts';
import { DIGIT_BITS, type LabelEncoding } from '../../protocol/label-encoding.ts';
import { JWT_ALGORITHMS } from '../identity/jwt.ts';
import { CLIENT_CERTIFICATES } from '../identity/tls-credentials.ts';
import { completeLimits, DEFAULT_LIMITS, type ServerLimits, TIMER_MS } from '../limits.ts';
import { isLoopback } from '../listen.ts';
import type { ModelEntry } from '../models.ts';
import {
  checked,
  choice,
  choices,
  type Field,
  flag,
  number,
  path,
  paths,
  secretUrl,
  text,
  texts,
  type Values,
} from './fields.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

const OUTPUT = checked('what clients learn: logits, label, or top-2 and up', isOutput);

/** All fields of the configuration file, in the order in which they are printed. */
export const SCHEMA = {
  listen: address('where to listen, HOST:PORT; port 0 takes any free one'),
  models: modelEntries('folders of the models to serve, or { path, output } for a model with its own output'),
  state: path('folder of the bundle records; one server per folder'),
  setting: choice('fewer bytes online (fast) or offline (lean)', Object.keys(DIGIT_BITS) as LabelEncoding[]),
  output: OUTPUT,
  insecure: flag('serve other machines without TLS'),
  drainSeconds: number('how long a stopping server keeps serving, so that load balancers notice', seconds),
  graceSeconds: number(
    'how long running inferences and preparations may take to finish when the server stops',
    seconds,
  ),
  tls: {
    certificate: path("the server's certificate chain, PEM"),
    key: path("the certificate's private key, PEM"),
    clientCa: path('authorities of client certificates, PEM'),
    clientCertificates: choice('whether a client may connect without one', CLIENT_CERTIFICATES),
  },
  identity: {
    anonymous: flag('accept callers without authentication'),
    tokens: path('file of hashed bearer tokens, as `sphynx tokens new` prints them'),
    jwt: {
      jwksFile: path('public keys of JSON Web Tokens (JWKS)'),
      jwksUrl: text('where to fetch these keys instead, https'),
      issuer: text('"iss" of every token'),
      audience: text('"aud" of every token'),
      algorithms: choices('accepted signature algorithms', JWT_ALGORITHMS),
    },
  },
  web: {
    listen: address('where to listen for browsers (WebSocket), HOST:PORT; disabled unless given'),
    origins: texts('origins of the pages that may call, besides those from that address itself'),
    page: flag('serve a page on that port in which people classify their pictures'),
  },
  metrics: portOrAddress('where to serve Prometheus metrics: PORT on the loopback interface, or HOST:PORT'),
  reflection: flag('give every caller the definition of the service (gRPC reflection)'),
  store: {
    redis: secretUrl('records that several servers share, in place of a folder: redis:// or rediss://', [
      'redis:',
      'rediss:',
    ]),
    redisReplicas: number('number of Redis replicas that must confirm every spent bundle', replicas),
    keys: path('file of the keys that seal seeds, as `sphynx store-key new` makes it'),
  },
  limits: limits(),
  log: { level: choice('log level for stderr', LOG_LEVELS) },
};

/** The configuration as written: fields that are not given are missing. */
export type Config = Values<typeof SCHEMA>;

/** Default values. The defaults of models and state folder come from the caller that starts the server. */
export const DEFAULTS = {
  listen: '127.0.0.1:50051',
  setting: 'fast',
  output: 'logits',
  insecure: false,
  drainSeconds: 0,
  graceSeconds: 10,
  identity: { anonymous: false },
  limits: DEFAULT_LIMITS,
  log: { level: 'info' },
} as const satisfies Config;

function address(about: string): Field<string> {
  const { parse, ...field } = text(about);
  return {
    ...field,
    about,
    parse(written, place) {
      const value = parse(written, place);
      isLoopback(value);
      return value;
    },
  };
}

/** `PORT`, also as YAML's number, or `HOST:PORT`. */
function portOrAddress(about: string): Field<string> {
  const { parse, ...field } = text(about);
  const isPort = (written: unknown) =>
    Number.isInteger(written) && Number(written) >= 0 && Number(written) <= 65535;
  return {
    ...field,
    parse: (written, place) => (isPort(written) ? String(written) : parse(written, place)),
  };
}

/** Folders, each of which may have its own output; in the environment and on the command line only folders. */
function modelEntries(about: string): Field<readonly (string | ModelEntry)[]> {
  const folders = paths(about);
  return {
    ...folders,
    parse(written, place) {
      const entries = Array.isArray(written) ? written.map(entryOf) : [];
      const found = folders.parse(Array.isArray(written) ? entries.map(({ path }) => path) : written, place);
      return found.map((path, i) => {
        const { output } = entries[i];
        return output === undefined ? path : { path, output: OUTPUT.parse(output, place) };
      });
    },
  };
}

function entryOf(written: unknown): { path: unknown; output?: unknown } {
  if (typeof written !== 'object' || written === null) return { path: written };
  const { path, output, ...others } = written as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new Error(`a model has a path and an output, no "${unknown}"`);
  return { path, output };
}

function limits(): Record<keyof ServerLimits, Field<number>> {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof ServerLimits)[];
  const field = (name: keyof ServerLimits) =>
    number('see "Limits"', (value) => {
      completeLimits({ [name]: value });
    });
  return Object.fromEntries(names.map((name) => [name, field(name)])) as Record<
    keyof ServerLimits,
    Field<number>
  >;
}

function replicas(value: number): void {
  if (!Number.isInteger(value) || value < 0)
    throw new Error(`expected a whole number of at least 0, got ${value}`);
}

function seconds(value: number): void {
  if (!Number.isInteger(value) || value < 0 || value * 1000 > TIMER_MS)
    throw new Error(`expected a whole number of seconds, got ${value}`);
}
