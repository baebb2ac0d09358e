import { SphynxError } from '../errors/sphynx-error.ts';

/**
 * The application's own metadata for its calls, such as a tracing header; or a function that returns it for each call.
 */
export type CallMetadata = Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);

/** Names that HTTP, gRPC or this protocol use themselves. */
const TAKEN = /^(authorization|content-.*|grpc-.*|sphynx-.*|te|user-agent|host|connection)$|-bin$/;

/** Returns the pairs of one call. Throws 'config/invalid' for names and values that cannot be sent. */
export function metadataPairs(metadata: CallMetadata | undefined): [string, string][] {
  const given = typeof metadata === 'function' ? metadata() : (metadata ?? {});
  const pairs = Object.entries(given);
  for (const [name, value] of pairs) {
    if (!/^[a-z0-9_.-]+$/.test(name) || TAKEN.test(name))
      throw new SphynxError(
        'config/invalid',
        `the metadata ${JSON.stringify(name)} cannot be sent: names have lower-case letters, digits and hyphens, and must not be those of gRPC or of this protocol`,
      );
    if (typeof value !== 'string' || !/^[\x20-\x7e]*$/.test(value))
      throw new SphynxError('config/invalid', `the metadata ${name} must be printable ASCII text`);
  }
  return pairs;
}
