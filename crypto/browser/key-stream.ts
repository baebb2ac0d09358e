import { aesCounter, SCHEDULE_BYTES } from '../../kernels/aes.ts';
import { BLOCK_BYTES } from '../../kernels/blocks.ts';
import { kernels } from '../../kernels/load.ts';
import { schedule } from './block-cipher.ts';

/** Bytes of the stream that are computed at once in the kernel memory. */
const RUN_BYTES = 65536;

/** A key stream: AES-128 of a counter with any start value, modulo 2^128 (NIST SP 800-38A, CTR). */
export class KeyStream {
  readonly #schedule: Uint8Array;
  readonly #counter: Uint8Array;
  /** The unused part of the last block. */
  #rest: Uint8Array = new Uint8Array(0);

  /** `key`, `counter` (big-endian): 16 bytes each. */
  constructor(key: Uint8Array, counter: Uint8Array) {
    this.#schedule = schedule(key);
    this.#counter = counter.slice();
  }

  /** Fills `target` with the next bytes. */
  fill(target: Uint8Array): void {
    const rest = this.#rest.subarray(0, target.length);
    target.set(rest);
    this.#rest = this.#rest.subarray(rest.length);
    for (let start = rest.length; start < target.length; start += RUN_BYTES)
      this.#run(target.subarray(start, start + RUN_BYTES));
  }

  /** Nothing to free: all memory is on the heap. */
  close(): void {}

  #run(target: Uint8Array): void {
    const { memory } = kernels();
    memory.scope(() => {
      const roundKeys = memory.bytes(SCHEDULE_BYTES);
      const counter = memory.bytes(BLOCK_BYTES);
      const stream = memory.bytes(Math.ceil(target.length / BLOCK_BYTES) * BLOCK_BYTES);
      roundKeys.set(this.#schedule);
      counter.set(this.#counter);
      aesCounter(roundKeys, counter, stream);
      this.#counter.set(counter);
      target.set(stream.subarray(0, target.length));
      this.#rest = stream.slice(target.length);
    });
  }
}
