/**
 * The meaning of a network's outputs, from which the client computes the answer. 'softmax': one class out of several,
 * with a logit each. 'sigmoid': one of two classes by a single logit, positive for the second. 'multi-label':
 * independent labels with a logit each. 'values': numbers that are not logits, such as those of a regression.
 */
export type OutputHead = 'softmax' | 'sigmoid' | 'multi-label' | 'values';

export const HEADS = ['softmax', 'sigmoid', 'multi-label', 'values'] as const satisfies readonly OutputHead[];

/**
 * Returns the number of labels for the outputs of a network: one each, but two classes for the single logit of a
 * sigmoid.
 */
export function labelCount(head: OutputHead, outputs: number): number {
  return head === 'sigmoid' ? 2 : outputs;
}

/** Whether a network with that many outputs can have the head: a softmax needs a choice, a sigmoid a single logit. */
export function headFits(head: OutputHead, outputs: number): boolean {
  if (head === 'softmax') return outputs > 1;
  return head !== 'sigmoid' || outputs === 1;
}
