import { normalizeZ } from '@noble/curves/abstract/curve.js';
import { FpInvertBatch } from '@noble/curves/abstract/modular.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** Points of edwards25519 on the wire, and their u-coordinates on curve25519, which X25519 multiplies. */

export const { Point } = ed25519;
export type EdwardsPoint = InstanceType<typeof Point>;
const { Fp, Fn } = Point;

/** Order of the prime-order subgroup, a little above 2^252. */
export const ORDER = Fn.ORDER;

/** x and y, 32 bytes each, little-endian. Not compressed: decompressing costs as much as half a multiplication. */
export const POINT_BYTES = 64;

/** The encodings of points, one after another. Many at once share one inversion. */
export function encodePoints(points: readonly EdwardsPoint[]): Uint8Array {
  const bytes = new Uint8Array(POINT_BYTES * points.length);
  for (const [i, point] of normalizeZ(Point, [...points]).entries()) {
    const { x, y } = point.toAffine();
    bytes.set(numberToBytesLE(x, 32), POINT_BYTES * i);
    bytes.set(numberToBytesLE(y, 32), POINT_BYTES * i + 32);
  }
  return bytes;
}

/** Any point of the curve but the identity. Throws 'crypto/input' on anything else. */
export function decodePoint(bytes: Uint8Array): EdwardsPoint {
  const [x, y] = [0, 32].map((start) => bytesToNumberLE(bytes.subarray(start, start + 32)));
  if (x >= Fp.ORDER || y >= Fp.ORDER) throw refused();
  const point = fromAffine(x, y);
  if (point.is0()) throw new SphynxError('crypto/input', 'base OT: the identity is not a valid point');
  return point;
}

function fromAffine(x: bigint, y: bigint): EdwardsPoint {
  try {
    const point = Point.fromAffine({ x, y });
    point.assertValidity();
    return point;
  } catch (cause) {
    throw refused(cause);
  }
}

function refused(cause?: unknown): SphynxError {
  return new SphynxError(
    'crypto/input',
    'base OT: not the encoding of a point; was it damaged on the way? try again',
    { cause },
  );
}

/** u = (1 + y) / (1 - y) of each point [32 bytes each, little-endian]; 0 for the identity. */
export function uCoordinates(points: readonly EdwardsPoint[]): Uint8Array[] {
  const heights = normalizeZ(Point, [...points]).map((point) => point.toAffine().y);
  const inverses = FpInvertBatch(
    Fp,
    heights.map((y) => Fp.sub(Fp.ONE, y)),
    true,
  );
  return heights.map((y, i) => numberToBytesLE(Fp.mul(Fp.add(Fp.ONE, y), inverses[i]), 32));
}
