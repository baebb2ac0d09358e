/**
 * Placeholders for bundle ids that are known only when a case runs. They have the same length, so that a case is
 * reproducible from its seed.
 */
export const PLACEHOLDERS = {
  /** The bundle of this dialogue. */
  own: 'feed'.padEnd(32, '1'),
  /** Bundles of the same caller that it may not spend: already spent, not confirmed, of another model. */
  spent: 'feed'.padEnd(32, '2'),
  unconfirmed: 'feed'.padEnd(32, '3'),
  otherModel: 'feed'.padEnd(32, '4'),
  /** Ready, but somebody else's. */
  foreign: 'feed'.padEnd(32, '5'),
} as const;

export type Placeholder = keyof typeof PLACEHOLDERS;

/** Returns the placeholders in `bytes`. */
export function placeholdersIn(bytes: Buffer): Placeholder[] {
  const names = Object.keys(PLACEHOLDERS) as Placeholder[];
  return names.filter((name) => bytes.includes(PLACEHOLDERS[name], 0, 'latin1'));
}

/** The bytes with ids (32 digits each) in place of the placeholders; those that `ids` lacks stay. */
export function substitute(bytes: Buffer, ids: Partial<Record<Placeholder, string>>): Buffer {
  const found = placeholdersIn(bytes).filter((name) => ids[name] !== undefined);
  if (found.length === 0) return bytes;
  const copy = Buffer.from(bytes);
  for (const name of found)
    for (let at = copy.indexOf(PLACEHOLDERS[name]); at >= 0; at = copy.indexOf(PLACEHOLDERS[name], at + 1))
      copy.write(ids[name] as string, at, 'latin1');
  return copy;
}
