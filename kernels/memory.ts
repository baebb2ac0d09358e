import { SphynxError } from '../errors/sphynx-error.ts';

const ALIGNMENT = 16;

/**
 * Linear memory of one kernel instance. `scope` is a stack: everything allocated inside is given back when
 * the body returns. `keep` allocates from the other end and stays for the life of the instance.
 *
 * The memory never grows, so views never detach; pages that are not touched cost nothing. Scopes are
 * synchronous: never hold a view across an `await`. Contents are not cleared on allocation.
 */
export class KernelMemory {
  readonly buffer: ArrayBuffer;
  #bottom: number;
  #top: number;
  #depth = 0;
  /** End of what scopes have used since the last `clear`. */
  #used: number;

  constructor(buffer: ArrayBuffer, firstFree: number) {
    this.buffer = buffer;
    this.#bottom = align(firstFree);
    this.#used = this.#bottom;
    this.#top = buffer.byteLength;
  }

  /** Runs `body`, then frees all that it allocated by `bytes`, `u32` or `i32`. Scopes nest. */
  scope<T>(body: () => T): T {
    const mark = this.#bottom;
    this.#depth++;
    try {
      return body();
    } finally {
      this.#depth--;
      this.#bottom = mark;
    }
  }

  /** Bytes that neither scopes nor tables occupy. */
  get free(): number {
    return this.#top - this.#bottom;
  }

  /**
   * Overwrites with zeros all that scopes have left behind. For the end of a session, whose keys and shares went
   * through here. Throws 'kernels/memory' inside a scope.
   */
  clear(): void {
    if (this.#depth > 0)
      throw new SphynxError('kernels/memory', 'kernel memory is cleared outside of scopes only');
    this.#wipe(this.#bottom);
  }

  /** `length` bytes, 16-byte aligned, valid until the innermost scope ends. Throws 'kernels/memory' when full or outside a scope. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, this.#take(length), length);
  }

  /** `length` 32-bit words; otherwise as `bytes`. */
  u32(length: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.buffer, this.#take(length * 4), length);
  }

  /** `length` signed 32-bit words; otherwise as `bytes`. */
  i32(length: number): Int32Array<ArrayBuffer> {
    return new Int32Array(this.buffer, this.#take(length * 4), length);
  }

  /**
   * `length` bytes that are never given back: tables of constants. What scopes left there is overwritten. Throws
   * 'kernels/memory' when full.
   */
  keep(length: number): Uint8Array<ArrayBuffer> {
    const start = (this.#top - length) & ~(ALIGNMENT - 1);
    if (length > this.#top || start < this.#bottom) throw outOfMemory(length);
    this.#top = start;
    this.#wipe(start);
    return new Uint8Array(this.buffer, start, length);
  }

  /** The address of a view for a kernel call. Throws 'kernels/memory' if the view lies elsewhere. */
  address(view: ArrayBufferView): number {
    if (view.buffer !== this.buffer)
      throw new SphynxError('kernels/memory', 'a kernel was given an array outside its memory');
    return view.byteOffset;
  }

  /** Overwrites with zeros what scopes have left behind from `start` on. */
  #wipe(start: number): void {
    new Uint8Array(this.buffer).fill(0, start, Math.max(start, this.#used));
    this.#used = Math.min(this.#used, start);
  }

  #take(length: number): number {
    if (this.#depth === 0)
      throw new SphynxError('kernels/memory', 'kernel memory is allocated inside a scope only');
    const start = this.#bottom;
    const end = align(start + length);
    if (!Number.isSafeInteger(length) || length < 0 || end > this.#top) throw outOfMemory(length);
    this.#bottom = end;
    this.#used = Math.max(this.#used, end);
    return start;
  }
}

function align(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function outOfMemory(length: number): SphynxError {
  return new SphynxError('kernels/memory', `no room for ${length} bytes in the kernel memory`);
}
