import { MESSAGE_BYTES } from '../../transport/limits.ts';
import type { Choices } from './random.ts';

/** The tag of a protobuf field: its number and wire type (0 varint, 1 8 bytes, 2 length, 3 and 4 group, 5 4 bytes). */
const tag = (field: number, type: number) => varint((field << 3) | type);

/** Numbers of ten bytes are the longest there are; the eleventh makes one that never ends. */
const LONGEST = Buffer.alloc(9, 255);
const ENDLESS = Buffer.alloc(11, 255);

/** Changes the bytes of a message to ones that no encoder would write. */
export function changeBytes(bytes: Buffer, choices: Choices): Buffer {
  const at = choices.below(bytes.length + 1);
  const early = choices.below(Math.min(bytes.length, 48) + 1);
  const insert = (place: number, more: Buffer) =>
    Buffer.concat([bytes.subarray(0, place), more, bytes.subarray(place)]);
  const unknown = choices.of([15, 2047, 2 ** 28]);
  const ways: (() => Buffer)[] = [
    () => bytes.subarray(0, at),
    () => bytes.subarray(0, early),
    () => Buffer.alloc(0),
    () => insert(bytes.length, choices.bytes(1 + choices.below(20))),
    () => insert(early, choices.bytes(1 + choices.below(4))),
    () => flip(bytes, early, choices),
    () => Buffer.concat([bytes, bytes]),
    () => insert(0, Buffer.concat([tag(unknown, 0), LONGEST, Buffer.of(1)])),
    () => insert(0, Buffer.concat([tag(unknown, 2), varint(5), choices.bytes(5)])),
    () => insert(bytes.length, Buffer.concat([tag(unknown, 2), varint(choices.of([1, 2 ** 31 - 1]))])),
    () => insert(bytes.length, Buffer.concat([tag(unknown, 1), Buffer.alloc(8)])),
    () => insert(bytes.length, Buffer.concat([tag(1, choices.of([0, 1, 3, 4, 5, 6, 7])), Buffer.alloc(8)])),
    () => insert(bytes.length, Buffer.alloc(choices.of([1, 5000]), tag(unknown, 3))),
    () => insert(early, ENDLESS),
    () => choices.bytes(bytes.length % 5000),
  ];
  if (choices.chance(0.01))
    return insert(0, Buffer.concat([tag(15, 2), varint(MESSAGE_BYTES), Buffer.alloc(MESSAGE_BYTES)]));
  return choices.of(ways)();
}

function flip(bytes: Buffer, at: number, choices: Choices): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] ^= 1 << choices.below(8);
  return copy;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >>> 0;
  for (; left > 127; left >>>= 7) bytes.push((left & 127) | 128);
  return Buffer.of(...bytes, left);
}
