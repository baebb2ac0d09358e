import { numberToBytesLE } from '@noble/curves/utils.js';
import { sha256 } from '#platform/digest';
import { X25519Point, X25519Scalar } from '#platform/x25519';
import { SphynxError } from '../../errors/sphynx-error.ts';
import {
  decodePoint,
  type EdwardsPoint,
  encodePoints,
  ORDER,
  POINT_BYTES,
  Point,
  uCoordinates,
} from './edwards.ts';
import { select } from './select.ts';

/**
 * The steps of 128 random oblivious transfers over curve25519 in one round trip (Chou, Orlandi, LATINCRYPT 2015), with
 * all secrets as arguments, so that a test can fix them. Only base-ot.ts calls them, with fresh ones.
 *
 *     sender -> receiver: A = a G
 *     receiver -> sender: B_i = b_i G + c_i A
 *     seeds: H(session, i, 0, a B_i) and H(session, i, 1, a (B_i - A)); the receiver knows H(session, i, c_i, b_i A)
 *
 * `session` is the hash of both messages: it binds every seed to A and all B_i. Points are added on edwards25519 and
 * multiplied by X25519, which knows u-coordinates alone, and those are what is hashed: P and -P have one. Platforms
 * have X25519 built in, 20 to 40 times as fast as multiplications in JavaScript. A receiver that sends B_i = A / 2 makes
 * the two products of a transfer P and -P. The choice is hashed too, or both seeds would be equal, and the extension's
 * rows would show what the sender of these transfers chooses there.
 *
 * The curve's cofactor is 8. A must lie in the subgroup of prime order, or B_i would tell c_i by its other part. Of B_i
 * such a part does no harm: a is a multiple of 8. X25519 takes scalars 8 t with 2^251 <= t < 2^252. The sender draws
 * such an a. The receiver's b_i are uniform, for B_i to tell nothing of c_i; as b A and -b A have one u-coordinate, it
 * multiplies A / 8 by 8 b or 8 (l - b), whichever has this form.
 */

/** Base OTs per session: the computational security parameter of the extension. */
export const BASE_OTS = 128;

export const BASE_OT_MESSAGE_BYTES = POINT_BYTES;
export const BASE_OT_REPLY_BYTES = BASE_OTS * POINT_BYTES;

/**
 * Scalars of the receiver, from `least` on and below `limit`: all residues but one in 2^126, so that uniform ones are
 * uniform. Of the order l = 2^252 + d, with d below 2^125, every such b or l - b is from 2^251 on and below 2^252.
 */
export const RECEIVER_SCALARS = { least: 2n ** 125n, limit: 2n ** 252n } as const;

/** Both seeds of every transfer (32 bytes each), for the extension's receiver. */
export interface BaseOtPairs {
  readonly zero: readonly Uint8Array[];
  readonly one: readonly Uint8Array[];
  /** Binds this session: a hash of both messages. */
  readonly session: Uint8Array;
}

/** The choice bits (0 or 1) and the chosen seeds, for the extension's sender. */
export interface BaseOtChoices {
  readonly choices: Uint8Array;
  readonly seeds: readonly Uint8Array[];
  readonly session: Uint8Array;
}

/** 1 / 8 modulo the group order. */
const EIGHTH = Point.Fn.inv(8n);

/** A [64 bytes]. `secret`: a, a clamped scalar of X25519. */
export function senderMessage(secret: bigint): Uint8Array {
  return encodePoints([Point.BASE.multiply(secret % ORDER)]);
}

/** The sender's seeds. Throws 'protocol/length' or 'crypto/input' if the reply is not 128 points. */
export function senderPairs(secret: bigint, reply: Uint8Array): BaseOtPairs {
  const points = decodePoints(reply, BASE_OTS);
  const own = Point.BASE.multiply(secret % ORDER);
  const session = sessionOf(encodePoints([own]), reply);
  const scalar = new X25519Scalar(numberToBytesLE(secret, 32));
  const seeds = (choice: number, multiplied: readonly EdwardsPoint[]) =>
    uCoordinates(multiplied).map((u, i) => seedOf(session, i, choice, product(scalar, new X25519Point(u))));
  const others = points.map((point) => point.subtract(own));
  return { zero: seeds(0, points), one: seeds(1, others), session };
}

/**
 * B_1 .. B_128 [8,192 bytes]. `choices`: 128 bytes 0 or 1; `secrets`: the b_i, RECEIVER_SCALARS. Throws
 * 'protocol/length' or 'crypto/input' if the message is not a point of the prime-order subgroup.
 */
export function receiverReply(
  message: Uint8Array,
  choices: Uint8Array,
  secrets: readonly bigint[],
): Uint8Array {
  const point = decodeMessage(message);
  const own = secrets.map((secret) => Point.BASE.multiply(secret));
  const moved = own.map((multiple) => multiple.add(point));
  const encoded = encodePoints([...own, ...moved]);
  const reply = new Uint8Array(BASE_OT_REPLY_BYTES);
  for (let start = 0; start < reply.length; start += POINT_BYTES) {
    const [zero, one] = [start, start + reply.length].map((at) => encoded.subarray(at, at + POINT_BYTES));
    reply.set(select(choices[start / POINT_BYTES], zero, one), start);
  }
  return reply;
}

/** The receiver's seeds, from what went into its reply and the reply. */
export function receiverSeeds(
  message: Uint8Array,
  choices: Uint8Array,
  secrets: readonly bigint[],
  reply: Uint8Array,
): BaseOtChoices {
  const [u] = uCoordinates([decodeMessage(message).multiply(EIGHTH)]);
  const eighth = new X25519Point(u);
  const session = sessionOf(message, reply);
  const seeds = secrets.map((secret, i) => {
    const scalar = new X25519Scalar(numberToBytesLE(8n * upperOf(secret), 32));
    return seedOf(session, i, choices[i], product(scalar, eighth));
  });
  return { choices, seeds, session };
}

/** The one of b and l - b that is at least 2^251; without a branch on b. */
function upperOf(secret: bigint): bigint {
  const low = 1n - (secret >> 251n);
  return low * (ORDER - secret) + (1n - low) * secret;
}

/** Throws 'crypto/input' if the product is the identity, as of a point of small order. */
function product(scalar: X25519Scalar, point: X25519Point): Uint8Array {
  try {
    return scalar.times(point);
  } catch (cause) {
    throw new SphynxError('crypto/input', 'base OT: a point of small order is not valid', { cause });
  }
}

function decodeMessage(message: Uint8Array): EdwardsPoint {
  const [point] = decodePoints(message, 1);
  if (!point.isTorsionFree())
    throw new SphynxError('crypto/input', 'base OT: a point outside the prime-order subgroup is not valid');
  return point;
}

function decodePoints(bytes: Uint8Array, count: number): EdwardsPoint[] {
  if (bytes.length !== count * POINT_BYTES)
    throw new SphynxError(
      'protocol/length',
      `base OT: expected ${count * POINT_BYTES} bytes, got ${bytes.length}`,
    );
  return Array.from({ length: count }, (_, i) =>
    decodePoint(bytes.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES)),
  );
}

function sessionOf(message: Uint8Array, reply: Uint8Array): Uint8Array {
  return sha256('base-ot', message, reply);
}

function seedOf(session: Uint8Array, index: number, choice: number, u: Uint8Array): Uint8Array {
  return sha256(session, new Uint8Array(Uint32Array.of(index, choice).buffer), u);
}
