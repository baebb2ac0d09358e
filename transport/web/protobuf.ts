/**
 * Encodes and decodes messages of the .proto (Protocol Buffers, proto3) from tables. Other encoders compile code from
 * descriptions, which a strict content security policy forbids in browsers.
 */
import { SphynxError } from '../../errors/sphynx-error.ts';

/** The type of a field. `uint` stands for uint32, uint64 and enumerations: whole numbers up to 2^53 - 1. */
export type FieldType = 'uint' | 'string' | 'bytes' | MessageType;

export interface FieldShape {
  readonly id: number;
  readonly type: FieldType;
  readonly repeated?: true;
}

/** A message's fields by name. `oneof`: exactly one field is present, and `message` names it. */
export interface MessageType {
  readonly fields: Readonly<Record<string, FieldShape>>;
  readonly oneof?: true;
}

type Fields = Record<string, unknown>;

const VARINT = 0;
const FIXED_64 = 1;
/** Wire type of texts, bytes and messages. */
export const DELIMITED = 2;
const FIXED_32 = 5;

/** Returns the bytes of a message, preceded by `headroom` bytes for the caller to fill. */
export function encode(type: MessageType, message: object, headroom = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headroom + messageLength(type, message as Fields));
  const end = writeMessage(type, message as Fields, bytes, headroom);
  if (end !== bytes.length)
    throw new SphynxError('internal', 'a message has another length than was counted');
  return bytes;
}

/**
 * Decodes a message: missing fields get their defaults, and byte fields are views of `bytes`. Throws 'protocol/format'
 * for bytes that are not a message.
 */
export function decode(type: MessageType, bytes: Uint8Array): Fields {
  return new Reader(bytes).message(type);
}

/** Yields the values of a field that are written, which excludes defaults. */
function* written(
  { fields, oneof }: MessageType,
  message: Fields,
): Generator<{ id: number; type: FieldType; value: unknown }> {
  for (const [name, { id, type, repeated }] of Object.entries(fields)) {
    const value = message[name];
    if (value === undefined || value === null) continue;
    if (repeated) for (const element of value as unknown[]) yield { id, type, value: element };
    else if (oneof || !isDefault(type, value)) yield { id, type, value };
  }
}

function isDefault(type: FieldType, value: unknown): boolean {
  if (type === 'uint') return value === 0;
  return typeof type === 'string' && (value as string | Uint8Array).length === 0;
}

/** Returns the length of a delimited field's content, which is bytes or a message yet to be written. */
function contentLength(type: Exclude<FieldType, 'uint'>, value: unknown): number {
  if (type === 'bytes') return (value as Uint8Array).length;
  if (type === 'string') return new TextEncoder().encode(value as string).length;
  return messageLength(type, value as Fields);
}

function messageLength(type: MessageType, message: Fields): number {
  let length = 0;
  for (const { id, type: field, value } of written(type, message)) {
    length += varintLength(id << 3);
    if (field === 'uint') length += varintLength(value as number);
    else {
      const content = contentLength(field, value);
      length += varintLength(content) + content;
    }
  }
  return length;
}

function writeMessage(type: MessageType, message: Fields, out: Uint8Array, start: number): number {
  let at = start;
  for (const { id, type: field, value } of written(type, message)) {
    at = writeVarint((id << 3) | (field === 'uint' ? VARINT : DELIMITED), out, at);
    if (field === 'uint') {
      at = writeVarint(value as number, out, at);
      continue;
    }
    const content = contentLength(field, value);
    at = writeVarint(content, out, at);
    if (field === 'bytes') out.set(value as Uint8Array, at);
    else if (field === 'string') new TextEncoder().encodeInto(value as string, out.subarray(at));
    else writeMessage(field, value as Fields, out, at);
    at += content;
  }
  return at;
}

/** Encodes a whole number as a varint. */
export function varint(value: number): Uint8Array {
  const bytes = new Uint8Array(varintLength(value));
  writeVarint(value, bytes, 0);
  return bytes;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}

function writeVarint(value: number, out: Uint8Array, start: number): number {
  let at = start;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 128;
  out[at++] = rest;
  return at;
}

/** Reads one message and those inside it; every length is checked before it is used. */
class Reader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  message({ fields, oneof }: MessageType): Fields {
    const names = new Map(Object.entries(fields).map(([name, { id }]) => [id, name]));
    const message: Fields = {};
    if (!oneof)
      for (const [name, { type, repeated }] of Object.entries(fields))
        message[name] = repeated ? [] : defaultOf(type);
    while (this.#at < this.#end) {
      const tag = this.#varint();
      const name = names.get(Math.floor(tag / 8));
      if (name === undefined) {
        this.#skip(tag % 8);
        continue;
      }
      const { type, repeated } = fields[name];
      const value = this.#value(type, tag % 8);
      if (repeated) (message[name] as unknown[]).push(value);
      else if (oneof) {
        for (const other of Object.keys(message)) delete message[other];
        message[name] = value;
        message.message = name;
      } else message[name] = value;
    }
    return message;
  }

  #value(type: FieldType, wire: number): unknown {
    if (wire !== (type === 'uint' ? VARINT : DELIMITED)) throw notAMessage();
    if (type === 'uint') return this.#varint();
    const length = this.#varint();
    const start = this.#at;
    this.#skipBytes(length);
    if (typeof type !== 'string') return new Reader(this.#bytes, start, this.#at).message(type);
    const content = this.#bytes.subarray(start, this.#at);
    return type === 'bytes' ? content : textOf(content);
  }

  #varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 63; scale *= 128) {
      if (this.#at >= this.#end) throw notAMessage();
      const byte = this.#bytes[this.#at++];
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) throw notAMessage();
        return value;
      }
    }
    throw notAMessage();
  }

  #skip(wire: number): void {
    if (wire === VARINT) this.#varint();
    else if (wire === DELIMITED) this.#skipBytes(this.#varint());
    else if (wire === FIXED_64) this.#skipBytes(8);
    else if (wire === FIXED_32) this.#skipBytes(4);
    else throw notAMessage();
  }

  #skipBytes(length: number): void {
    if (length > this.#end - this.#at) throw notAMessage();
    this.#at += length;
  }
}

function defaultOf(type: FieldType): unknown {
  if (type === 'uint') return 0;
  if (type === 'string') return '';
  return type === 'bytes' ? new Uint8Array(0) : null;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw notAMessage();
  }
}

function notAMessage(): SphynxError {
  return new SphynxError(
    'protocol/format',
    'the other side sent bytes that are not a message of this protocol: is it another program, or another version?',
  );
}
