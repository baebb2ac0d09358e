import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';

/**
 * X25519 (RFC 7748): the u-coordinate of scalar times the point of u-coordinate `u`, 32 bytes each, little-endian. The
 * scalar is clamped: a multiple of 8 with bit 254 as its highest. Throws where the product is the identity.
 */
export class X25519Scalar {
  readonly #key: KeyObject;

  constructor(scalar: Uint8Array) {
    this.#key = createPrivateKey({ key: encoded(PRIVATE_PREFIX, scalar), format: 'der', type: 'pkcs8' });
  }

  times(point: X25519Point): Uint8Array {
    const product = diffieHellman({ privateKey: this.#key, publicKey: point.key });
    return new Uint8Array(product);
  }
}

/** A point that can be multiplied. */
export class X25519Point {
  readonly key: KeyObject;

  constructor(u: Uint8Array) {
    this.key = createPublicKey({ key: encoded(PUBLIC_PREFIX, u), format: 'der', type: 'spki' });
  }
}

/** Prefixes of encoded keys, which the key follows (RFC 8410). */
const PRIVATE_PREFIX = '302e020100300506032b656e04220420';
const PUBLIC_PREFIX = '302a300506032b656e032100';

function encoded(prefix: string, key: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(prefix, 'hex'), key]);
}
