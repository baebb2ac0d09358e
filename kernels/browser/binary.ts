let binary: Uint8Array<ArrayBuffer> | undefined;

/** Gives the compiled kernels to this worker: browsers fetch without blocking only, and kernels are called at once. */
export function holdKernelBinary(bytes: Uint8Array<ArrayBuffer>): void {
  binary = bytes;
}

/** The compiled kernels. Throws if nobody has fetched them. */
export function kernelBinary(): Uint8Array<ArrayBuffer> {
  if (!binary) throw new Error('the kernels are not fetched');
  return binary;
}
