import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { FromFiles } from './from-files.ts';
import { type Identity, identityOf } from './identity.ts';

/**
 * Signatures that the server can verify but not create. HMACs are excluded: anyone who can verify one can create one.
 */
export const JWT_ALGORITHMS: readonly JwtAlgorithm[] = [
  ...(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const),
];

/** Signature algorithms of tokens (RFC 7518, RFC 8037). */
export type JwtAlgorithm =
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512';

/** How far clocks may differ (s). */
const CLOCK_TOLERANCE_S = 30;

/** How long an authority may take to deliver its keys (ms). */
const FETCH_MS = 5000;

/** Which JSON Web Tokens (RFC 7519) are accepted. */
export interface JwtOptions {
  /** A file of public keys (JWKS, RFC 7517), reloaded when it changes. This or `jwksUrl` is needed. */
  readonly jwksFile?: string;
  /** Where the public keys are fetched when the first token comes, and again for an unknown key. */
  readonly jwksUrl?: string;
  /** `iss` of every token. */
  readonly issuer: string;
  /** `aud` of every token, or one of its list: this service's name. */
  readonly audience: string;
  /** Default: ES256, EdDSA and RS256. */
  readonly algorithms?: readonly JwtAlgorithm[];
}

/** Bearer tokens that an authority signs for subjects. */
export class JwtVerifier {
  readonly #options: JWTVerifyOptions;
  readonly #issuer: string;
  readonly #keys: () => JWTVerifyGetKey;
  readonly #file: FromFiles<JWTVerifyGetKey> | undefined;

  /** Uses the network only when tokens arrive. Throws 'config/invalid'. */
  constructor({ jwksFile, jwksUrl, issuer, audience, algorithms }: JwtOptions) {
    const allowed = algorithms ?? ['ES256', 'EdDSA', 'RS256'];
    check(issuer !== '' && audience !== '', 'tokens need an issuer and an audience to be checked for');
    check((jwksFile === undefined) !== (jwksUrl === undefined), 'name one source of keys: a file or a URL');
    check(
      allowed.length > 0 && allowed.every((name) => JWT_ALGORITHMS.includes(name)),
      `signatures are made by ${JWT_ALGORITHMS.join(', ')}; got ${allowed.join(', ') || 'none'}`,
    );
    this.#issuer = issuer;
    this.#options = {
      issuer,
      audience,
      algorithms: [...allowed],
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', 'sub'],
    };
    if (jwksUrl !== undefined) {
      const remote = createRemoteJWKSet(keyAddress(jwksUrl), { timeoutDuration: FETCH_MS });
      this.#keys = () => remote;
    } else {
      const path = jwksFile as string;
      const file = new FromFiles([path], ([content]) => localKeys(content, path));
      this.#file = file;
      this.#keys = () => file.value;
    }
  }

  /** Returns whether the file had changed. If it is invalid, throws 'config/invalid' and keeps the old keys. */
  reload(): boolean {
    return this.#file?.reload() ?? false;
  }

  /** Throws 'identity/invalid' with what is wrong with the token, 'server/busy' while the keys cannot be fetched. */
  async identify(token: string): Promise<Identity> {
    try {
      const { payload } = await jwtVerify(token, this.#keys(), this.#options);
      const { sub } = payload;
      if (typeof sub !== 'string' || sub === '')
        throw new SphynxError('identity/invalid', 'the token was refused: it names no subject');
      return identityOf('jwt', [this.#issuer, sub]);
    } catch (error) {
      if (error instanceof SphynxError) throw error;
      throw refusal(error);
    }
  }
}

/** Describes what is wrong with a token without quoting any of its text. */
function refusal(cause: unknown): SphynxError {
  const because = (reason: string) =>
    new SphynxError('identity/invalid', `the token was refused: ${reason}`, { cause });
  if (cause instanceof errors.JWTExpired) return because('it has expired; get a new one');
  if (cause instanceof errors.JWTClaimValidationFailed)
    return because(`its claim "${cause.claim}" is missing or not what this server expects`);
  if (cause instanceof errors.JOSEAlgNotAllowed) return because('its algorithm is not one this server takes');
  if (cause instanceof errors.JWKSNoMatchingKey) return because('no key of its authority has signed it');
  if (cause instanceof errors.JWSSignatureVerificationFailed) return because('its signature is wrong');
  if (cause instanceof errors.JWTInvalid || cause instanceof errors.JWSInvalid)
    return because('it is neither a token of this server nor a JSON Web Token');
  if (isOutage(cause))
    return new SphynxError(
      'server/busy',
      'the server cannot fetch the keys that tokens are checked with; try again later',
      { cause },
    );
  return because('it cannot be checked');
}

/** Whether the authority failed, rather than the token. */
function isOutage(cause: unknown): boolean {
  if (!(cause instanceof errors.JOSEError)) return true;
  return (
    cause instanceof errors.JWKSTimeout ||
    cause instanceof errors.JWKSInvalid ||
    cause.code === 'ERR_JOSE_GENERIC'
  );
}

function localKeys(content: Buffer, path: string): JWTVerifyGetKey {
  try {
    const keys = JSON.parse(content.toString('utf8'));
    const isPrivate = keys.keys?.some((key: object) => 'd' in key || 'k' in key);
    if (isPrivate) throw new Error('it holds private or symmetric keys, which belong to the authority alone');
    return createLocalJWKSet(keys);
  } catch (cause) {
    throw new SphynxError(
      'config/invalid',
      `cannot use the keys in "${path}": expected a JSON Web Key Set of public keys`,
      { cause },
    );
  }
}

/** Checks the URL: keys fetched over plaintext could be anybody's. */
function keyAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  check(
    url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback === true)),
    'keys are fetched from an https:// URL',
  );
  check(url?.username === '' && url.password === '', 'the URL of the keys must not hold a password');
  return url as URL;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new SphynxError('config/invalid', message);
}
