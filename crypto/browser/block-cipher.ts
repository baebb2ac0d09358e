import { aesEncrypt, aesSchedule, SCHEDULE_BYTES } from '../../kernels/aes.ts';
import { kernels } from '../../kernels/load.ts';

/** Returns the round keys of a key [16 bytes], outside the kernel memory. */
export function schedule(key: Uint8Array): Uint8Array {
  const { memory } = kernels();
  return memory.scope(() => {
    const inside = memory.bytes(key.length);
    const roundKeys = memory.bytes(SCHEDULE_BYTES);
    inside.set(key);
    aesSchedule(inside, roundKeys);
    return roundKeys.slice();
  });
}

/** AES-128 on whole batches of blocks by our kernels: Web Crypto works on messages and is asynchronous. */
export class BlockCipher {
  readonly #schedule: Uint8Array;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    this.#schedule = schedule(key);
  }

  /** AES of every block of `input`, into `output`, which may be `input`. Both [16 * n bytes]. */
  encrypt(input: Uint8Array, output: Uint8Array): void {
    const { memory } = kernels();
    const inside = (array: Uint8Array) => array.buffer === memory.buffer;
    memory.scope(() => {
      const roundKeys = memory.bytes(SCHEDULE_BYTES);
      roundKeys.set(this.#schedule);
      let source = input;
      if (!inside(input)) {
        source = memory.bytes(input.length);
        source.set(input);
      }
      const target = inside(output) ? output : source === input ? memory.bytes(input.length) : source;
      aesEncrypt(roundKeys, source, target);
      if (target !== output) output.set(target);
    });
  }

  /** Nothing to free: all memory is on the heap. */
  close(): void {}
}
