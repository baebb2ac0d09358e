import type { Explanation } from './problem.ts';

/** The shortest module with a SIMD instruction (v128.const; WebAssembly core specification 2.0, section 5.4.8). */
const SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 22, 1, 20, 0, 253, 12],
  ...new Array(16).fill(0),
  11,
);

/** Explains in words why the client cannot run here; undefined if it can. */
export function obstacle(): Explanation | undefined {
  if (!isSecureContext)
    return {
      title: 'This page must be opened over https',
      advice:
        'Browsers give pages from other machines neither storage nor camera without it. Ask for the https address of this page.',
    };
  const there = [
    typeof WebAssembly === 'object' && WebAssembly.validate(SIMD),
    typeof OffscreenCanvas === 'function',
    typeof Promise.withResolvers === 'function',
    typeof ArrayBuffer.prototype.transfer === 'function',
    typeof AbortSignal.any === 'function',
    navigator.locks !== undefined,
  ];
  if (there.every(Boolean)) return undefined;
  return {
    title: 'This browser is too old for this page',
    advice: 'Update it, or open the page in Chrome, Edge, Firefox or Safari of the last year or two.',
  };
}
