import { ristretto255 } from '@noble/curves/ed25519.js';
import { sha256 } from '../../edge/digest.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { select } from './select.ts';

/**
 * The steps of 128 random oblivious transfers over ristretto255 in one round trip (Chou, Orlandi, LATINCRYPT
 * 2015), with all secrets as arguments, so that a test can fix them. Only base-ot.ts calls them, with fresh ones.
 *
 *     sender -> receiver: A = a G
 *     receiver -> sender: B_i = b_i G + c_i A
 *     seeds: H(session, i, a B_i) and H(session, i, a B_i - a A); the receiver knows H(session, i, b_i A)
 *
 * `session` is the hash of both messages: it binds every seed to A and all B_i.
 */

/** Base OTs per session: the computational security parameter of the extension. */
export const BASE_OTS = 128;

const POINT_BYTES = 32;
export const BASE_OT_MESSAGE_BYTES = POINT_BYTES;
export const BASE_OT_REPLY_BYTES = BASE_OTS * POINT_BYTES;

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

const { Point } = ristretto255;
type Point = InstanceType<typeof Point>;

/** Window of the tables for A, which is multiplied 128 times: making a larger table costs more than it saves. */
const WINDOW_BITS = 6;

/** A [32 bytes]. `secret`: a, from 1 to the group order - 1, as every scalar here. */
export function senderMessage(secret: bigint): Uint8Array {
  return Point.BASE.multiply(secret).toBytes();
}

/** The sender's seeds. Throws 'protocol/length' or 'crypto/input' if the reply is not 128 points. */
export function senderPairs(secret: bigint, reply: Uint8Array): BaseOtPairs {
  const points = decodePoints(reply, BASE_OTS);
  const own = Point.BASE.multiply(secret);
  const session = sessionOf(own.toBytes(), reply);
  const difference = own.multiply(secret);
  const products = points.map((point) => point.multiply(secret));
  return {
    zero: products.map((product, i) => seedOf(session, i, product)),
    one: products.map((product, i) => seedOf(session, i, product.subtract(difference))),
    session,
  };
}

/**
 * B_1 .. B_128 [4,096 bytes]. `choices`: 128 bytes 0 or 1; `secrets`: the b_i. Throws 'protocol/length' or
 * 'crypto/input' if the message is not a point.
 */
export function receiverReply(
  message: Uint8Array,
  choices: Uint8Array,
  secrets: readonly bigint[],
): Uint8Array {
  const [point] = decodePoints(message, 1);
  const reply = new Uint8Array(BASE_OT_REPLY_BYTES);
  for (const [i, secret] of secrets.entries()) {
    const own = Point.BASE.multiply(secret);
    const chosen = select(choices[i], own.toBytes(), own.add(point).toBytes());
    reply.set(chosen, i * POINT_BYTES);
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
  const point = decodePoints(message, 1)[0].precompute(WINDOW_BITS, false);
  const session = sessionOf(message, reply);
  const seeds = secrets.map((secret, i) => seedOf(session, i, point.multiply(secret)));
  return { choices, seeds, session };
}

/**
 * Canonical encodings only, and not the identity, which would make the seeds of a transfer equal or known to
 * all. The group has prime order, so that no point confines the products to a small subgroup.
 */
function decodePoints(bytes: Uint8Array, count: number): Point[] {
  if (bytes.length !== count * POINT_BYTES)
    throw new SphynxError(
      'protocol/length',
      `base OT: expected ${count * POINT_BYTES} bytes, got ${bytes.length}`,
    );
  return Array.from({ length: count }, (_, i) => {
    const point = decodePoint(bytes.slice(i * POINT_BYTES, (i + 1) * POINT_BYTES));
    if (point.is0()) throw new SphynxError('crypto/input', 'base OT: the identity is not a valid point');
    return point;
  });
}

function decodePoint(bytes: Uint8Array): Point {
  try {
    return Point.fromBytes(bytes);
  } catch (cause) {
    throw new SphynxError(
      'crypto/input',
      'base OT: not the encoding of a point; was it damaged on the way? try again',
      { cause },
    );
  }
}

function sessionOf(message: Uint8Array, reply: Uint8Array): Uint8Array {
  return sha256('base-ot', message, reply);
}

function seedOf(session: Uint8Array, index: number, point: Point): Uint8Array {
  return sha256(session, new Uint8Array(Uint32Array.of(index).buffer), point.toBytes());
}
