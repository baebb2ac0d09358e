import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { kernels } from '../../kernels/load.ts';
import type { KernelMemory } from '../../kernels/memory.ts';

/** Blocks as 128-bit integers, for the plain references of the label kernels. */

const HALF = 64n;
const LOW = 2n ** HALF - 1n;

/** Little-endian blocks [16 bytes each] as integers. */
export function toBlocks(bytes: Uint8Array): bigint[] {
  const words = new BigUint64Array(bytes.slice().buffer);
  return Array.from({ length: words.length / 2 }, (_, e) => words[2 * e] | (words[2 * e + 1] << HALF));
}

export function toBytes(blocks: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(blocks.flatMap((block) => [block & LOW, block >> HALF])).buffer);
}

/** s(hi || lo) = (hi xor lo) || hi. */
export function sigma(block: bigint): bigint {
  const [hi, lo] = [block >> HALF, block & LOW];
  return ((hi ^ lo) << HALF) | hi;
}

export const colour = (block: bigint) => Number(block & 1n);

export function randomBlocks(count: number): bigint[] {
  return toBlocks(randomBytes(16 * count));
}

/** Chunks of some elements at some place of a layer, up to the last possible index. */
export const place = fc.record({
  count: fc.integer({ min: 1, max: 40 }),
  first: fc.oneof(fc.nat(5000), fc.integer({ min: 2 ** 31 - 20, max: 2 ** 31 }), fc.constant(2 ** 32 - 40)),
});

/** Arrays in kernel memory for one call of a kernel. */
export interface Workspace {
  readonly memory: KernelMemory;
  /** The blocks, copied in. */
  put(blocks: readonly bigint[]): Uint8Array;
  /** Room for `count` blocks, full of garbage. */
  room(count: number): Uint8Array;
}

export function inWorkspace<T>(body: (workspace: Workspace) => T): T {
  const { memory } = kernels();
  const put = (blocks: readonly bigint[]) => {
    const bytes = memory.bytes(16 * blocks.length);
    bytes.set(toBytes(blocks));
    return bytes;
  };
  return memory.scope(() => body({ memory, put, room: (count) => memory.bytes(16 * count).fill(0xa5) }));
}
