/**
 * Strided convolutions as stride-1 convolutions. Along one axis, tap d of a kernel with `stride` reads
 *
 *     o * stride + d - pad = (o + offset) * stride + phase,   0 <= phase < stride,
 *
 * for output o: element o + offset of the *phase map* that holds every stride-th element from `phase` on. So a
 * tensor consumed with strides is encrypted as strideY * strideX small maps per channel (only those that a kernel
 * reads), and outputs stand densely in the returned ciphertexts instead of every stride-th coefficient.
 */

/** One axis of a convolution's geometry. */
export interface Axis {
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  /** Elements of a phase map: the input's, divided by the stride, rounded up. */
  readonly size: number;
  readonly out: number;
}

/** A tap of the kernel along one axis: which phase map it reads, and where relative to the output. */
export interface Tap {
  readonly index: number;
  readonly phase: number;
  readonly offset: number;
}

/** The taps that read the map for at least one output; the others see zero padding only. */
export function liveTaps({ kernel, stride, pad, size, out }: Axis): Tap[] {
  const taps: Tap[] = [];
  for (let index = 0; index < kernel; index++) {
    const offset = Math.floor((index - pad) / stride);
    if (offset > -out && offset < size) taps.push({ index, phase: index - pad - offset * stride, offset });
  }
  return taps;
}

/** Elements of the phase map of an axis of `length` elements. */
export function phaseSize(length: number, stride: number, phase = 0): number {
  return Math.ceil((length - phase) / stride);
}
