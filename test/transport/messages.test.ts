import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { SEGMENT_HEADROOM, SEGMENT_KINDS } from '../../protocol/segment.ts';
import { privateInferenceService as service } from '../../transport/grpc/proto.ts';
import { decodeSegment, encodeSegment } from '../../transport/stream-channel.ts';

const allowance = {
  ...{ bundles: 1, inferencesInHour: 2, inferences: 3, preparationsInHour: 4, preparations: 5 },
  hourEndsMs: 6,
};
const quote = { offlineBytes: 1_000_000, onlineBytes: 2000, offlineProcessorMs: 1500, expectedWaitMs: 250 };
const model = { model: 'm', modelHash: 'h', planHash: 'p' };
const segment = { kind: 7, layer: 2, offset: 300, data: Buffer.from([1, 2, 3]) };

/** Every message with the bytes that other versions of this program rely on. */
const GOLDEN: [method: string, direction: 'request' | 'response', message: object, bytes: string][] = [
  ['ListModels', 'request', {}, ''],
  [
    'ListModels',
    'response',
    {
      models: [
        {
          name: 'm',
          hash: 'h',
          inputChannels: 3,
          inputHeight: 32,
          inputWidth: 33,
          classes: 100,
          relus: 25600,
          macs: 2 ** 40,
          quote,
          output: 'label',
          inputKind: 'vector',
          head: 'sigmoid',
        },
      ],
      serverTimeMs: 1_700_000_000_000,
    },
    '0a400a016d12016818032020282130643880c801408080808080204a0d08c0843d10d00f18dc0b20fa0152056c6162656c5a06766563746f7262077369676d6f69641080d095ffbc31',
  ],
  ['GetModelCard', 'request', { model: 'm' }, '0a016d'],
  [
    'GetModelCard',
    'response',
    { cardJson: '{}', modelHash: 'h', planHash: 'p', quote, setting: 'fast' },
    '0a027b7d1201681a0170220d08c0843d10d00f18dc0b20fa012a0466617374',
  ],
  ['Preprocess', 'request', { hello: { ...model, count: 3, lost: [] } }, '0a0b0a016d1201681a01702003'],
  [
    'Preprocess',
    'request',
    { hello: { ...model, count: 3, lost: ['b'] } },
    '0a0e0a016d1201681a017020032a0162',
  ],
  ['Preprocess', 'request', { begin: {} }, '1200'],
  ['Preprocess', 'request', { segment }, '1a0c0807100218ac022203010203'],
  ['Preprocess', 'request', { commit: { bundleId: 'b' } }, '22030a0162'],
  [
    'Preprocess',
    'response',
    { accepted: { session: 's', quote, bundleLifetimeSeconds: 604800, allowance } },
    '0a240a0173120d08c0843d10d00f18dc0b20fa011880f524220c080110021803200428053006',
  ],
  [
    'Preprocess',
    'response',
    { offer: { bundleId: 'b', expiresAtMs: 1_700_000_000_000 } },
    '120a0a01621080d095ffbc31',
  ],
  ['Preprocess', 'response', { segment }, '1a0c0807100218ac022203010203'],
  ['Preprocess', 'response', { ready: { bundleId: 'b' } }, '22030a0162'],
  ['Infer', 'request', { spend: { bundleId: 'b', ...model } }, '0a0c0a016212016d1a0168220170'],
  ['Infer', 'request', { segment }, '120c0807100218ac022203010203'],
  ['Infer', 'response', { spending: {} }, '0a00'],
  ['Infer', 'response', { segment }, '120c0807100218ac022203010203'],
];

test('every message is encoded in pinned bytes', () => {
  for (const [method, direction, message, bytes] of GOLDEN) {
    const { requestSerialize, responseSerialize } = service[method];
    const encoded = direction === 'request' ? requestSerialize(message) : responseSerialize(message);
    assert.equal(encoded.toString('hex'), bytes, `${method} ${direction} ${Object.keys(message)}`);
  }
});

test('a segment with room in front of its data is written around them, and read as ever', () => {
  const position = fc.record({
    kind: fc.integer({ min: 0, max: 16 }),
    layer: fc.nat(300),
    offset: fc.maxSafeNat(),
  });
  const property = fc.property(
    position,
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(2 * SEGMENT_HEADROOM),
    (place, bytes, room) => {
      for (const name of ['Preprocess', 'Infer'])
        for (const direction of ['request', 'response'] as const) {
          const serialize = service[name][`${direction}Serialize`];
          const deserialize = service[name][`${direction}Deserialize`];
          const buffer = new Uint8Array(room + bytes.length);
          const data = buffer.subarray(room);
          data.set(bytes);
          const written = serialize({ segment: { ...place, data } });
          const sent = { ...place, data: Buffer.from(bytes) };
          assert.deepEqual(deserialize(written), { message: 'segment', segment: sent });
          assert.deepEqual(data, new Uint8Array(bytes));
          if (room >= SEGMENT_HEADROOM) assert.equal(written.buffer, buffer.buffer);
        }
    },
  );
  fc.assert(property);
});

test('every message is decoded to what was sent, with the name of the one that is there', () => {
  for (const [method, direction, message, bytes] of GOLDEN) {
    const { requestDeserialize, responseDeserialize } = service[method];
    const encoded = Buffer.from(bytes, 'hex');
    const decoded = direction === 'request' ? requestDeserialize(encoded) : responseDeserialize(encoded);
    const streamed = method === 'Preprocess' || method === 'Infer';
    assert.deepEqual(decoded, streamed ? { message: Object.keys(message)[0], ...message } : message);
  }
});

test('each kind of segment has the number that the .proto gives it', () => {
  const proto = readFileSync(
    join(import.meta.dirname, '../../proto/sphynx/v1/private_inference.proto'),
    'utf8',
  );
  const numbered = [...proto.matchAll(/SEGMENT_KIND_(\w+) = (\d+);/g)].map(([, name, number]) => [
    name,
    Number(number),
  ]);
  const kinds = SEGMENT_KINDS.map((kind, i) => [kind.replaceAll('-', '_').toUpperCase(), i + 1]);
  assert.deepEqual(numbered, [['UNSPECIFIED', 0], ...kinds]);
  for (const kind of SEGMENT_KINDS) {
    const wire = encodeSegment({ kind, layer: 0, offset: 0, data: Uint8Array.of(1) });
    assert.equal(decodeSegment(wire).kind, kind);
  }
});
