import { readFileSync } from 'node:fs';

/** The compiled kernels. Throws if they are not built. */
export function kernelBinary(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL('../build/kernels.wasm', import.meta.url)));
}
