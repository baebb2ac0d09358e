import { randomBytes } from 'node:crypto';
import { kernels } from '../../kernels/load.ts';

/** Arrays in the kernel memory that stay for the life of the process. */
export function bytes(length: number): Uint8Array {
  return kernels().memory.keep(length);
}

export function words(length: number): Uint32Array {
  const { buffer, byteOffset } = bytes(4 * length);
  return new Uint32Array(buffer, byteOffset, length);
}

/** Random blocks of 16 bytes. */
export function blocks(count: number): Uint8Array {
  const room = bytes(16 * count);
  room.set(randomBytes(16 * count));
  return room;
}

/** The block at place `index`, as a copy. */
export function block(array: Uint8Array, index: number): Uint8Array {
  return new Uint8Array(array.subarray(16 * index, 16 * (index + 1)));
}
