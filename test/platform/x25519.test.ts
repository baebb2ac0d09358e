import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as ofBrowsers from '../../platform/browser/x25519.ts';
import * as ofNode from '../../platform/node/x25519.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

const PLATFORMS = {
  node: (scalar: Uint8Array, u: Uint8Array) =>
    new ofNode.X25519Scalar(scalar).times(new ofNode.X25519Point(u)),
  browsers: (scalar: Uint8Array, u: Uint8Array) =>
    new ofBrowsers.X25519Scalar(scalar).times(new ofBrowsers.X25519Point(u)),
};

for (const [platform, multiply] of Object.entries(PLATFORMS)) {
  test(`${platform}: the vectors of RFC 7748, section 5.2`, () => {
    for (const [scalar, u, product] of [
      [
        'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
        'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
        'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
      ],
      [
        '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
        'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
        '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
      ],
    ])
      assert.deepEqual(multiply(hex(scalar), hex(u)), hex(product));
  });

  test(`${platform}: a point of small order is refused`, () => {
    for (const first of [0, 1]) {
      const u = new Uint8Array(32).with(0, first);
      assert.throws(() => multiply(new Uint8Array(randomBytes(32)), u));
    }
  });
}

test('both platforms multiply alike', () => {
  for (let i = 0; i < 10; i++) {
    const [scalar, u] = [0, 1].map(() => new Uint8Array(randomBytes(32)));
    assert.deepEqual(PLATFORMS.node(scalar, u), PLATFORMS.browsers(scalar, u));
  }
});
