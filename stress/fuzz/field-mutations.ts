import { SEGMENT_BYTES } from '../../protocol/segment.ts';
import { LOST_BUNDLES } from '../../transport/limits.ts';
import { type Codec, contentOf, type Message } from './codec.ts';
import { PLACEHOLDERS } from './placeholders.ts';
import type { Choices } from './random.ts';

/** One field of a message, somewhere inside. */
interface Place {
  readonly record: Message;
  readonly key: string;
}

/**
 * Changes one field of the message in `bytes`, by its type. Bytes that are not a message, or have no field, are
 * returned unchanged.
 */
export function changeField(codec: Codec, bytes: Buffer, choices: Choices): Buffer {
  const message = codec.decode(bytes);
  if (!message) return bytes;
  const content = contentOf(message)?.content ?? message;
  const places = placesIn(content);
  if (places.length === 0) return bytes;
  const { record, key } = choices.of(places);
  if (choices.chance(0.1)) delete record[key];
  else record[key] = otherValue(record[key], choices);
  return codec.encode(message);
}

/** Swaps two fields of one type. */
export function swapFields(codec: Codec, bytes: Buffer, choices: Choices): Buffer {
  const message = codec.decode(bytes);
  if (!message) return bytes;
  const places = placesIn(contentOf(message)?.content ?? message);
  if (places.length < 2) return bytes;
  const a = choices.of(places);
  const alike = places.filter(
    ({ record, key }) => typeof record[key] === typeof a.record[a.key] && record[key] !== a.record[a.key],
  );
  if (alike.length === 0) return bytes;
  const b = choices.of(alike);
  [a.record[a.key], b.record[b.key]] = [b.record[b.key], a.record[a.key]];
  return codec.encode(message);
}

function placesIn(record: Message): Place[] {
  return Object.entries(record).flatMap(([key, value]) => {
    if (key === 'message') return [];
    const inner = value as Message;
    const nested = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
    // The field as a whole may be emptied too.
    return nested
      ? [...placesIn(inner), ...(Array.isArray(value) ? [{ record, key }] : [])]
      : [{ record, key }];
  });
}

function otherValue(value: unknown, choices: Choices): unknown {
  if (typeof value === 'number') return otherNumber(value, choices);
  if (typeof value === 'string') return otherText(value, choices);
  if (Buffer.isBuffer(value)) return otherData(value, choices);
  if (Array.isArray(value)) return otherList(value, choices);
  return value;
}

function otherNumber(value: number, choices: Choices): number {
  const extremes = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 63, -1];
  return choices.of([...extremes, value + 1, value - 1, 2 * value, value + SEGMENT_BYTES]);
}

function otherText(value: string, choices: Choices): string {
  if (value.startsWith('{') && choices.chance(0.9)) return otherJson(value, choices);
  const known = [PLACEHOLDERS.spent, PLACEHOLDERS.unconfirmed, PLACEHOLDERS.otherModel, PLACEHOLDERS.foreign];
  // Ids are texts for which other meaningful values are known.
  if (value.startsWith('feed') && choices.chance(0.7)) return choices.of(known);
  return choices.of([
    '',
    value.slice(1),
    `${value}0`,
    value.toUpperCase(),
    '0'.repeat(value.length),
    '../../../../etc/passwd',
    '__proto__',
    '\u001b]0;owned\u0007',
    '\u0000',
    '\ufffd\u{1f600}'.repeat(20),
    'a'.repeat(choices.of([65, 1000, 100_000])),
  ]);
}

/** Returns a JSON document with one value changed, dropped or moved, sometimes with broken syntax. */
function otherJson(text: string, choices: Choices): string {
  if (choices.chance(0.1)) return text.slice(0, choices.below(text.length));
  const document = parsed(text);
  const places = document ? placesIn(document) : [];
  if (places.length === 0) return text.slice(1);
  const { record, key } = choices.of(places);
  const value = record[key];
  const others: unknown[] = [null, [], {}, '', -1, 1e308, 0.5, true, [value], { [key]: value }];
  if (choices.chance(0.3)) record[key] = choices.of(others);
  else if (choices.chance(0.2)) delete record[key];
  else record[key] = otherValue(value, choices);
  return JSON.stringify(document);
}

/** Returns undefined for text that an earlier mutation has broken. */
function parsed(text: string): Message | undefined {
  try {
    return JSON.parse(text) as Message;
  } catch {
    return undefined;
  }
}

/** A segment's data: another length, up to beyond what a segment may hold, or other bytes of the same length. */
function otherData(data: Buffer, choices: Choices): Buffer {
  const flipped = Buffer.from(data);
  for (let i = choices.of([1, 1, 16]); i > 0 && data.length > 0; i--)
    flipped[choices.below(data.length)] ^= 1 << choices.below(8);
  const half = data.subarray(0, data.length >> 1);
  const lengths: (() => Buffer)[] = [
    () => data.subarray(1),
    () => Buffer.concat([data, Buffer.of(0)]),
    () => half,
    () => Buffer.concat([data, data]),
    () => Buffer.alloc(0),
    () => Buffer.of(0),
  ];
  const contents: (() => Buffer)[] = [
    () => flipped,
    () => Buffer.alloc(data.length),
    () => Buffer.alloc(data.length, 255),
    () => choices.bytes(data.length),
  ];
  // Large ones are rare: they take longer to send than all others together.
  if (choices.chance(0.02)) return Buffer.alloc(SEGMENT_BYTES + choices.of([-1, 0, 1, 2048]));
  return choices.of(choices.chance(0.6) ? lengths : contents)();
}

/** The element type of an empty list is not known. */
function otherList(list: readonly unknown[], choices: Choices): readonly unknown[] {
  if (list.length === 0) return list;
  const [first] = list;
  const many = typeof first === 'string' ? LOST_BUNDLES + 1 : 300;
  return choices.of([[], list.slice(1), [...list, ...list], new Array(many).fill(first)]);
}
