import { BLOCK_BYTES } from './blocks.ts';
import { kernels } from './load.ts';

/** AES-128 (FIPS 197) in constant time. All arrays lie in the kernel memory, in whole blocks. */

/** Round keys of one key. They reveal the key. */
export const SCHEDULE_BYTES = 11 * BLOCK_BYTES;

const at = (view: ArrayBufferView) => kernels().memory.address(view);

/** Writes the round keys of `key` [one block] to `schedule` [SCHEDULE_BYTES], in a form that only this file knows. */
export function aesSchedule(key: Uint8Array, schedule: Uint8Array): void {
  kernels().call.aesSchedule(at(key), at(schedule));
}

/** output[i] = AES of input[i], blocks; `output` may be `input`. Fast from eight blocks on. */
export function aesEncrypt(schedule: Uint8Array, input: Uint8Array, output: Uint8Array): void {
  kernels().call.aesEncrypt(at(schedule), at(input), at(output), input.length / BLOCK_BYTES);
}

/** output[i] = AES of counter + i, blocks; `counter` [one block, big-endian] is advanced by their number, modulo 2^128. */
export function aesCounter(schedule: Uint8Array, counter: Uint8Array, output: Uint8Array): void {
  kernels().call.aesCounter(at(schedule), at(counter), at(output), output.length / BLOCK_BYTES);
}
