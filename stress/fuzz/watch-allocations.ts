const WATCHED = ['Uint8Array', 'Int32Array', 'Uint32Array', 'Float64Array', 'ArrayBuffer'] as const;

type Constructor = new (...args: unknown[]) => object;

/** Watches the arrays that code of this thread allocates. */
export interface AllocationWatch {
  /** Returns the largest array since the last call (bytes). */
  largest(): number;
  stop(): void;
}

/**
 * Records the lengths requested from array constructors, even if the allocation fails: an array whose length came from
 * a peer is noticed even if it is short-lived. Node's Buffers do not count; gRPC bounds its messages.
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
