// All kernels, compiled to one kernels.wasm. Pointers are byte addresses, counts are in elements.

/** First address that no static data of the module occupies. */
export function heapBase(): usize {
  return __heap_base;
}
export { aesCounter, aesEncrypt, aesForget, aesSchedule } from './aes';
export * from './blocks';
export * from './column-check';
export * from './decode-tables';
export * from './digit-tables';
export * from './fold-leaves';
export * from './gemm';
export * from './half-gates';
export * from './inner-product';
export * from './moduli';
export * from './ntt';
export * from './packed-words';
export * from './products';
export * from './samplers';
export * from './transpose';
