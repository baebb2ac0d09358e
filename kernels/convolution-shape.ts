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
  /** Strides in rows and columns of the input. */
  readonly strideY: number;
  readonly strideX: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /**
   * Number of equal parts of the input and output channels, where each output reads the inputs of its own part; 1 if
   * all outputs read all inputs.
   */
  readonly groups: number;
}
