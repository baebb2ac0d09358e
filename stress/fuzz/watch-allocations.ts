const WATCHED = ['Uint8Array', 'Int32Array', 'Uint32Array', 'Float64Array', 'ArrayBuffer'] as const;

type Constructor = new (...args: unknown[]) => object;

/** The arrays that code of this thread asks for. */
export interface AllocationWatch {
  /** The largest one since the last call (bytes). */
  largest(): number;
  stop(): void;
}

/**
 * Counts what constructors of arrays are asked for, whether they then get it or not: an array whose length came from a
 * peer shows even if it lives for a moment only. Buffers of Node's own do not count; gRPC bounds its messages.
 */
export function watchAllocations(): AllocationWatch {
  let largest = 0;
  const globals = globalThis as unknown as Record<(typeof WATCHED)[number], Constructor>;
  const originals = WATCHED.map((name) => globals[name]);
  for (const [i, name] of WATCHED.entries()) {
    const original = originals[i] as Constructor & { BYTES_PER_ELEMENT?: number };
    const unit = original.BYTES_PER_ELEMENT ?? 1;
    const watched: Constructor = new Proxy(original, {
      construct(target, args, newTarget) {
        if (typeof args[0] === 'number') largest = Math.max(largest, args[0] * unit);
        return Reflect.construct(target, args, newTarget === watched ? target : newTarget);
      },
    });
    globals[name] = watched;
  }
  return {
    largest() {
      const seen = largest;
      largest = 0;
      return seen;
    },
    stop() {
      for (const [i, name] of WATCHED.entries()) globals[name] = originals[i];
    },
  };
}
