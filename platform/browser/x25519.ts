/** Synchronous X25519: Web Crypto's is asynchronous, and the protocol needs it at once. */
import { x25519 } from '@noble/curves/ed25519.js';

/** X25519 (RFC 7748); as in x25519.ts. */
export class X25519Scalar {
  readonly #scalar: Uint8Array;

  constructor(scalar: Uint8Array) {
    this.#scalar = scalar;
  }

  times({ u }: X25519Point): Uint8Array {
    return x25519.scalarMult(this.#scalar, u);
  }
}

/** A point that can be multiplied. */
export class X25519Point {
  readonly u: Uint8Array;

  constructor(u: Uint8Array) {
    this.u = u;
  }
}
