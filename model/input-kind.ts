/**
 * What a network reads:
 * 'picture': an image, of which each channel is a colour, or grey.
 * 'vector': numbers that each mean something of their own, such as the columns of a table.
 * 'signal': channels of samples along time, or along rows and columns where no picture fits the number of channels.
 */
export type InputKind = 'picture' | 'vector' | 'signal';

export const INPUT_KINDS = ['picture', 'vector', 'signal'] as const satisfies readonly InputKind[];

/** Whether a picture can fill that many channels: 3 colours, or 1 of grey. */
export function fitsPicture(channels: number): boolean {
  return channels === 3 || channels === 1;
}
