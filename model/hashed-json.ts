/**
 * Returns the JSON over which model cards are hashed: optional fields with their default values are left out, so that
 * models keep their hashes.
 */
export function hashedJson(value: unknown): string {
  return JSON.stringify(value, (key, field) => (saysNothing(key, field) ? undefined : field));
}

function saysNothing(key: string, field: unknown): boolean {
  const absent = (key === 'linear' || key === 'squares') && field === null;
  return absent || (key === 'output' && field === 'logits');
}
