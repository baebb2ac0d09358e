/**
 * What the client learns about a model's logits: all of them, only the likeliest class ('label'), or the k likeliest in
 * order ('top-k').
 */
export type Output = 'logits' | 'label' | `top-${number}`;

/** 'top-2' and up, since 'top-1' is 'label'. */
export const OUTPUT = /^(?:logits|label|top-(?:[2-9]|[1-9]\d{1,4}))$/;

/** Whether an untrusted text names an output. */
export function isOutput(text: string): text is Output {
  return OUTPUT.test(text);
}

/** Returns the number of classes that replace the logits; null for the logits themselves. */
export function classesOf(output: Output): number | null {
  if (output === 'logits') return null;
  return output === 'label' ? 1 : Number(output.slice('top-'.length));
}
