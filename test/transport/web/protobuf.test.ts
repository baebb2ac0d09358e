import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { decode, encode, type FieldShape, type MessageType } from '../../../transport/web/protobuf.ts';
import { CALL_HEADER, CALL_STATUS, CALLS } from '../../../transport/web/schema.ts';

const folder = new URL('../../../proto/sphynx/v1/', import.meta.url).pathname;
const root = protobuf.loadSync(['private_inference.proto', 'web_socket.proto'].map((file) => folder + file));
const service = root.lookupService('sphynx.v1.PrivateInference');

/** Every message of the tables with its name in the .proto. */
const messages: [string, MessageType][] = [
  ...Object.entries(CALLS).flatMap(([name, { request, response }]): [string, MessageType][] => {
    const method = service.methods[name];
    return [
      [method.requestType, request],
      [method.responseType, response],
    ];
  }),
  ['CallHeader', CALL_HEADER],
  ['CallStatus', CALL_STATUS],
];

test('the tables say what the .proto says', () => {
  assert.deepEqual(Object.keys(CALLS), Object.keys(service.methods));
  const check = (name: string, table: MessageType) => {
    const { fieldsArray, oneofsArray } = root.lookupType(`sphynx.v1.${name}`);
    assert.equal(table.oneof ?? false, oneofsArray.length > 0, name);
    assert.deepEqual(
      fieldsArray.map((field) => field.name),
      Object.keys(table.fields),
    );
    for (const field of fieldsArray) {
      const { id, type, repeated }: FieldShape = table.fields[field.name];
      assert.deepEqual([id, repeated ?? false], [field.id, field.repeated], `${name}.${field.name}`);
      field.resolve();
      if (typeof type !== 'string') check(field.type, type);
      else if (type === 'uint') assert.ok(['uint32', 'uint64', 'SegmentKind'].includes(field.type));
      else assert.equal(type, field.type);
    }
  };
  for (const [name, table] of messages) check(name, table);
});

const values = (type: FieldShape['type']): fc.Arbitrary<unknown> => {
  if (type === 'uint') return fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1));
  if (type === 'string') return fc.string({ unit: 'grapheme', maxLength: 300 });
  if (type === 'bytes') return fc.uint8Array({ maxLength: 300 });
  return message(type);
};

function message({ fields, oneof }: MessageType): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, { type, repeated }]) => {
    const value = values(type);
    return [name, repeated ? fc.array(value, { maxLength: 4 }) : value] as const;
  });
  return oneof
    ? fc.oneof(...entries.map(([name, value]) => value.map((one) => ({ [name]: one }))))
    : fc.record(Object.fromEntries(entries));
}

const plain = { longs: Number, defaults: true, oneofs: true, bytes: Array };

/** For comparison: bytes as numbers. */
const comparable = (value: unknown) =>
  JSON.parse(JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? [...part] : part)));

test('messages are encoded and decoded as protobufjs does', () => {
  for (const [name, table] of messages) {
    const type = root.lookupType(`sphynx.v1.${name}`);
    fc.assert(
      fc.property(message(table), (original) => {
        const bytes = encode(table, original);
        const expected = type.toObject(type.decode(bytes), plain);
        const decoded = decode(table, bytes);
        assert.deepEqual(comparable(decoded), comparable(expected));
        const theirs = type.encode(type.fromObject(original)).finish();
        assert.deepEqual(comparable(decode(table, new Uint8Array(theirs))), comparable(decoded));
      }),
    );
  }
});

test('large numbers keep their value, and those that no number holds are refused', () => {
  const offset = (value: number) => encode(CALLS.Infer.request, { segment: { offset: value } });
  for (const value of [2 ** 31, 2 ** 32, 2 ** 53 - 1])
    assert.equal((decode(CALLS.Infer.request, offset(value)).segment as { offset: number }).offset, value);
  const tooLarge = offset(2 ** 53 - 1);
  tooLarge[tooLarge.length - 1] = 0x7f;
  assert.throws(() => decode(CALLS.Infer.request, tooLarge), { code: 'protocol/format' });
});

test('a later version may add fields; they are passed over', () => {
  const later: MessageType = {
    fields: { ...CALL_STATUS.fields, more: { id: 100, type: 'string' }, count: { id: 101, type: 'uint' } },
  };
  const bytes = encode(later, { code: 'internal', more: 'x'.repeat(200), count: 7 });
  assert.deepEqual(decode(CALL_STATUS, bytes), { code: 'internal', message: '', retryAfterMs: 0 });
});

test('bytes that are no message are refused or read as one, and nothing else happens', () => {
  const attempt = (table: MessageType, bytes: Uint8Array) => {
    try {
      decode(table, bytes);
    } catch (error) {
      assert.equal((error as { code: string }).code, 'protocol/format');
    }
  };
  for (const [, table] of messages) {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => attempt(table, bytes)));
    fc.assert(
      fc.property(message(table), fc.nat(), fc.nat(255), (original, place, byte) => {
        const bytes = encode(table, original);
        if (bytes.length > 0) bytes[place % bytes.length] = byte;
        attempt(table, bytes);
        attempt(table, bytes.subarray(0, place % (bytes.length + 1)));
      }),
    );
  }
});
