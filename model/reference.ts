import { SphynxError } from '../errors/sphynx-error.ts';

/** Hex digits of a hash that distinguish versions in texts for people. */
const SHOWN = 12;

/**
 * Whether `reference` means the model: `NAME` means every version of that name, of which a server lists the current one
 * first, and `NAME@HASH` the version whose hash begins with these digits. Throws 'model/unknown' if it is neither.
 *
 * @param reference the text from the caller
 */
export function refersTo(
  reference: string,
  model: { readonly name: string; readonly hash: string },
): boolean {
  const [, name, version = ''] = /^([^@]*)(?:@([0-9a-f]{8,64}))?$/.exec(reference) ?? [];
  if (name === undefined)
    throw new SphynxError(
      'model/unknown',
      'a model is named NAME, or NAME@HASH with 8 or more hex digits of the hash of one version',
    );
  return model.name === name && model.hash.startsWith(version);
}

/** Returns the reference to one version. */
export function referenceOf({ name, hash }: { readonly name: string; readonly hash: string }): string {
  return `${name}@${hash.slice(0, SHOWN)}`;
}
