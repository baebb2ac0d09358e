/** The compiled kernels, which the bundler puts into the worker. */
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}

/** The text of the built worker, which the bundler puts into inline.js. */
declare module 'sphynx:worker' {
  const source: string;
  export default source;
}
