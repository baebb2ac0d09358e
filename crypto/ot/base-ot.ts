import { createHash, randomBytes } from 'node:crypto';
import { ristretto255 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE } from '@noble/curves/utils.js';
import { SphynxError } from '../../errors/sphynx-error.ts';

/**
 * 128 random oblivious transfers over ristretto255 in one round trip (Chou, Orlandi, LATINCRYPT 2015),
 * semi-honest. The extension turns the roles round: its sender (the garbler) is the receiver here.
 *
 *     sender -> receiver: A = a G
 *     receiver -> sender: B_i = b_i G + c_i A
 *     seeds: H(transcript, i, a B_i) and H(transcript, i, a B_i - a A); the receiver knows H(transcript, i, b_i A)
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

export class BaseOtSender {
  /** A, for the receiver [32 bytes]. */
  readonly message: Uint8Array;
  readonly #secret = randomScalar();
  readonly #point: Point;

  constructor() {
    this.#point = Point.BASE.multiply(this.#secret);
    this.message = this.#point.toBytes();
  }

  /** Both seeds of each transfer. Throws 'protocol/length' or 'crypto/input' if the reply is not 128 points. */
  finish(reply: Uint8Array): BaseOtPairs {
    const points = decodePoints(reply, BASE_OTS);
    const session = transcript(this.message, reply);
    const difference = this.#point.multiply(this.#secret);
    const zero: Uint8Array[] = [];
    const one: Uint8Array[] = [];
    for (const [i, point] of points.entries()) {
      const product = point.multiply(this.#secret);
      zero.push(seedOf(session, i, product));
      one.push(seedOf(session, i, product.subtract(difference)));
    }
    return { zero, one, session };
  }
}

export class BaseOtReceiver {
  /** B_1 .. B_128, for the sender [4,096 bytes]. */
  readonly reply: Uint8Array;
  readonly #choices: BaseOtChoices;

  /** `message`: the sender's. Throws 'protocol/length' or 'crypto/input' if it is not a point. */
  constructor(message: Uint8Array) {
    // A table for A pays off: it is multiplied 128 times.
    const point = decodePoints(message, 1)[0].precompute(8, false);
    const choices = new Uint8Array(randomBytes(BASE_OTS)).map((byte) => byte & 1);
    const secrets = Array.from(choices, randomScalar);
    this.reply = new Uint8Array(BASE_OT_REPLY_BYTES);
    for (const [i, secret] of secrets.entries()) {
      const own = Point.BASE.multiply(secret);
      const chosen = select(choices[i], own.toBytes(), own.add(point).toBytes());
      this.reply.set(chosen, i * POINT_BYTES);
    }
    const session = transcript(message, this.reply);
    const seeds = secrets.map((secret, i) => seedOf(session, i, point.multiply(secret)));
    this.#choices = { choices, seeds, session };
  }

  finish(): BaseOtChoices {
    return this.#choices;
  }
}

/** A scalar, uniform to within 2^-256, never 0. */
function randomScalar(): bigint {
  const scalar = Point.Fn.create(bytesToNumberLE(new Uint8Array(randomBytes(64))));
  return scalar === 0n ? randomScalar() : scalar;
}

/** Canonical encodings only, and not the identity, which would make both seeds of a transfer equal. */
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
    throw new SphynxError('crypto/input', 'base OT: not the encoding of a point', { cause });
  }
}

/** `one` if choice is 1, else `zero`, without a branch. */
function select(choice: number, zero: Uint8Array, one: Uint8Array): Uint8Array {
  return zero.map((byte, i) => byte ^ ((byte ^ one[i]) & -choice));
}

function transcript(message: Uint8Array, reply: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update('base-ot').update(message).update(reply).digest());
}

function seedOf(session: Uint8Array, index: number, point: Point): Uint8Array {
  const hash = createHash('sha256').update(session).update(Uint32Array.of(index)).update(point.toBytes());
  return new Uint8Array(hash.digest());
}
