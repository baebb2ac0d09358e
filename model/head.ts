/**
 * What the outputs of a network mean, which the client computes from them:
 * 'softmax': one class out of several, a logit each.
 * 'sigmoid': one of two classes by a single logit, positive for the second.
 * 'multi-label': a logit per label, and each label applies or not by itself.
 * 'values': numbers that are no logits, such as those of a regression.
 */
export type OutputHead = 'softmax' | 'sigmoid' | 'multi-label' | 'values';

export const HEADS = ['softmax', 'sigmoid', 'multi-label', 'values'] as const satisfies readonly OutputHead[];

/** How many labels name the outputs of a network: one each, but two classes for the single logit of a sigmoid. */
export function labelCount(head: OutputHead, outputs: number): number {
  return head === 'sigmoid' ? 2 : outputs;
}

/** Whether a network with that many outputs can have the head: a softmax needs a choice, a sigmoid a single logit. */
export function headFits(head: OutputHead, outputs: number): boolean {
  if (head === 'softmax') return outputs > 1;
  return head !== 'sigmoid' || outputs === 1;
}
