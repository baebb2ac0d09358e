import { kernelBinary } from '#kernels/binary';
import { SphynxError } from '../errors/sphynx-error.ts';
import { KernelMemory } from './memory.ts';

/** Functions exported by kernels.wasm; every pointer is a byte address in the kernel memory. */
export type KernelFunctions = Record<string, (...values: number[]) => number>;

/** One instance of the WASM kernels with a memory of its own. */
export interface Kernels {
  readonly call: KernelFunctions;
  readonly memory: KernelMemory;
}

/** Address space of one instance (bytes). Only touched pages are resident. */
const MEMORY_BYTES = 512 * 2 ** 20;
const PAGE_BYTES = 65536;

let instance: Kernels | undefined;

/** The kernels of this thread, compiled at the first call. Throws 'kernels/missing' if they are not built. */
export function kernels(): Kernels {
  instance ??= instantiate();
  return instance;
}

/**
 * Overwrites what kernels of this thread have left in their memory: for the end of a session or an inference, whose keys and
 * shares went through it. Tables stay. Throws 'kernels/memory' inside a scope.
 */
export function clearKernels(): void {
  const { call, memory } = kernels();
  memory.clear();
  call.aesForget();
}

function instantiate(): Kernels {
  const memory = new WebAssembly.Memory({ initial: MEMORY_BYTES / PAGE_BYTES });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readBinary()), {
    env: {
      memory,
      abort: () => {
        throw new SphynxError('internal', 'a kernel aborted');
      },
    },
  });
  const { heapBase, ...call } = exports as unknown as KernelFunctions;
  return { call, memory: new KernelMemory(memory.buffer, heapBase()) };
}

function readBinary(): Uint8Array<ArrayBuffer> {
  try {
    return kernelBinary();
  } catch (cause) {
    throw new SphynxError('kernels/missing', 'the WASM kernels are not built: run `npm run build:kernels`', {
      cause,
    });
  }
}
