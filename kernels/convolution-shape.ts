/**
 * Geometry of one multi-channel convolution. Zero padding above and left is given, below and right it follows
 * from the output size (and may be negative: rows never read). A fully connected map is 1x1 on a 1x1 map.
 */
export interface Convolution {
  readonly channelsIn: number;
  readonly height: number;
  readonly width: number;
  readonly channelsOut: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** From one output to the next, in rows and columns of the input. */
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Equal parts of the channels in and out, each output reading the inputs of its own part; 1 where all read all. */
  readonly groups: number;
}
