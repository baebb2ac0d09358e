import { randomBytes } from 'node:crypto';
import {
  BASE_OTS,
  type BaseOtChoices,
  type BaseOtPairs,
  BaseOtReceiver,
  BaseOtSender,
} from '../../../crypto/ot/base-ot.ts';

/** What both parties hold after the base OTs. */
export interface BaseOts {
  readonly pairs: BaseOtPairs;
  readonly choices: BaseOtChoices;
}

/** The base OTs as the protocol runs them. */
export function runBaseOts(): BaseOts {
  const sender = new BaseOtSender();
  const receiver = new BaseOtReceiver(sender.message);
  return { pairs: sender.finish(receiver.reply), choices: receiver.finish() };
}

/** The same from a trusted dealer: quick, for tests of the extension. */
export function dealBaseOts(): BaseOts {
  const seeds = () => Array.from({ length: BASE_OTS }, () => new Uint8Array(randomBytes(32)));
  const [zero, one] = [seeds(), seeds()];
  const session = new Uint8Array(randomBytes(32));
  const choices = randomBits(BASE_OTS);
  const chosen = [...choices].map((choice, j) => (choice ? one[j] : zero[j]));
  return { pairs: { zero, one, session }, choices: { choices, seeds: chosen, session } };
}

/** `count` bytes 0 or 1. */
export function randomBits(count: number): Uint8Array {
  return new Uint8Array(randomBytes(count)).map((byte) => byte & 1);
}

/** Blocks of 16 bytes as hexadecimal strings. */
export function blocksOf(bytes: Uint8Array): string[] {
  const hex = Buffer.from(bytes).toString('hex');
  return Array.from({ length: bytes.length / 16 }, (_, i) => hex.slice(32 * i, 32 * i + 32));
}
