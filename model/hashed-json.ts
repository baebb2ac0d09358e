/**
 * The JSON that hashes of model cards are taken of: what a card may leave out is left out where it says no more, so
 * that models keep their hashes.
 */
export function hashedJson(value: unknown): string {
  return JSON.stringify(value, (key, field) => (saysNothing(key, field) ? undefined : field));
}

function saysNothing(key: string, field: unknown): boolean {
  const absent = (key === 'linear' || key === 'squares') && field === null;
  return absent || (key === 'output' && field === 'logits');
}
