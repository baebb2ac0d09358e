import type { OutputHead } from '../model/head.ts';
import type { InputKind } from '../model/input-kind.ts';
import type { Shape } from '../model/shape.ts';

/**
 * Describes the input of a model in words: 'a grey picture of 28x28 pixels', '30 numbers', '3 channels of 128 samples'.
 */
export function inputInWords(kind: InputKind, shape: Shape): string {
  const { channels, height, width } = shape;
  if (kind === 'picture')
    return `a ${channels === 1 ? 'grey' : 'colour'} picture of ${width}x${height} pixels`;
  if (kind === 'vector') return counted(channels, 'number');
  return `${counted(channels, 'channel')} of ${height === 1 ? counted(width, 'sample') : `${height}x${width} samples`}`;
}

/** Describes the answer of a model in words: 'one of 100 classes', '5 independent labels', '3 numbers'. */
export function answerInWords(head: OutputHead, labels: number): string {
  if (head === 'values') return counted(labels, 'number');
  return head === 'multi-label' ? `${counted(labels, 'independent label')}` : `one of ${labels} classes`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
