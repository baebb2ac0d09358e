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
  choices[0] = 1;
  const chosen = [...choices].map((choice, j) => (choice ? one[j] : zero[j]));
  return { pairs: { zero, one, session }, choices: { choices, seeds: chosen, session } };
}

/** The same with the same seeds in every process; every third choice is 1. */
export function fixedBaseOts(): BaseOts {
  const seeds = (start: number) =>
    Array.from({ length: BASE_OTS }, (_, j) => new Uint8Array(32).fill(start + j));
  const [zero, one, session] = [seeds(0), seeds(100), new Uint8Array(32).fill(5)];
  const choices = Uint8Array.from({ length: BASE_OTS }, (_, j) => (j % 3 === 0 ? 1 : 0));
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
