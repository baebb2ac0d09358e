import { bytesToNumberLE } from '@noble/curves/utils.js';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { randomBytes } from '../../platform/random-bytes.ts';
import { packBits } from './bits.ts';
import {
  BASE_OTS,
  type BaseOtChoices,
  type BaseOtPairs,
  RECEIVER_SCALARS,
  receiverReply,
  receiverSeeds,
  senderMessage,
  senderPairs,
} from './chou-orlandi.ts';

export {
  BASE_OT_MESSAGE_BYTES,
  BASE_OT_REPLY_BYTES,
  BASE_OTS,
  type BaseOtChoices,
  type BaseOtPairs,
} from './chou-orlandi.ts';

/**
 * The two parties of the base OTs, each with fresh secrets from the system's CSPRNG for one session.
 * The extension turns the roles round: its sender (the garbler) is the receiver here. A party finishes once:
 * secrets or seeds that served twice would repeat the extension's streams.
 */
export class BaseOtSender {
  /** A, for the receiver [64 bytes]. */
  readonly message: Uint8Array;
  #secret: bigint | undefined;

  constructor() {
    const secret = clampedScalar();
    this.#secret = secret;
    this.message = senderMessage(secret);
  }

  /**
   * Both seeds of each transfer. Throws 'protocol/length' or 'crypto/input' if the reply is not 128 points,
   * 'protocol/order' the second time, also after a reply that was refused.
   */
  finish(reply: Uint8Array): BaseOtPairs {
    const secret = this.#secret;
    if (secret === undefined) throw finished();
    this.#secret = undefined;
    return senderPairs(secret, reply);
  }
}

export class BaseOtReceiver {
  /** B_1 .. B_128, for the sender [8,192 bytes]. */
  readonly reply: Uint8Array;
  readonly #message: Uint8Array;
  readonly #choices: Uint8Array;
  #secrets: bigint[] | undefined;

  /**
   * `message`: the sender's. The first choice is 1: the choices are the garbling's Delta, whose colour bit is 1 (free
   * XOR). 127 bits of it stay random. Throws 'protocol/length' or 'crypto/input' if it is not a point of prime order.
   */
  constructor(message: Uint8Array) {
    const choices = randomBytes(BASE_OTS).map((byte) => byte & 1);
    choices[0] = 1;
    const secrets = Array.from(choices, randomScalar);
    this.reply = receiverReply(message, choices, secrets);
    this.#message = message;
    this.#choices = choices;
    this.#secrets = secrets;
  }

  /** The choices as 128 bits, the first in the lowest bit of the first byte [16 bytes]. */
  get packedChoices(): Uint8Array {
    return packBits(this.#choices, BASE_OTS / 8);
  }

  /**
   * Computes the choice bits and seeds. This is most of the work, and can be delayed until they are needed. Throws
   * 'protocol/order' the second time.
   */
  finish(): BaseOtChoices {
    const secrets = this.#secrets;
    if (secrets === undefined) throw finished();
    this.#secrets = undefined;
    return receiverSeeds(this.#message, this.#choices, secrets, this.reply);
  }
}

function finished(): SphynxError {
  return new SphynxError('protocol/order', 'these base OTs are finished; a new session takes new ones');
}

/** A scalar of X25519: a multiple of 8 from 2^254 to 2^255. */
function clampedScalar(): bigint {
  return 2n ** 254n + 8n * (bytesToNumberLE(randomBytes(32)) & (2n ** 251n - 1n));
}

/** A scalar of the receiver, uniform to within 2^-125. */
function randomScalar(): bigint {
  const scalar = bytesToNumberLE(randomBytes(32)) & (RECEIVER_SCALARS.limit - 1n);
  return scalar < RECEIVER_SCALARS.least ? randomScalar() : scalar;
}
