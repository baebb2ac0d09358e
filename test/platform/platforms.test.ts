import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as browser from '../../platform/browser/digest.ts';
import { nextTurn as browserTurn } from '../../platform/browser/next-turn.ts';
import * as node from '../../platform/node/digest.ts';
import { nextTurn as nodeTurn } from '../../platform/node/next-turn.ts';
import { randomBytes } from '../../platform/random-bytes.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

test('SHA-256 of the standard', () => {
  // FIPS 180-4 example: "abc".
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  for (const { sha256, sha256Hex } of [node, browser]) {
    assert.equal(sha256Hex('a', Uint8Array.of(0x62), 'c'), digest);
    assert.equal(Buffer.from(sha256('abc')).toString('hex'), digest);
  }
});

test('digests and derived keys are the same in Node and in browsers', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, fc.string({ unit: 'grapheme' }))), (parts) => {
      assert.equal(browser.sha256Hex(...parts), node.sha256Hex(...parts));
    }),
  );
  fc.assert(
    fc.property(bytes, fc.string(), fc.integer({ min: 1, max: 200 }), (key, info, length) => {
      assert.deepEqual(browser.hkdf(key, info, length), node.hkdf(key, info, length));
    }),
  );
});

test('random bytes come in any number and differ', () => {
  for (const length of [0, 1, 65536, 65537, 200_000]) assert.equal(randomBytes(length).length, length);
  const last = randomBytes(200_000).subarray(-64);
  assert.ok(last.some((byte) => byte !== 0));
  assert.notDeepEqual(randomBytes(32), randomBytes(32));
});

test('the next turn comes after messages that have arrived, and for everybody who waits', async () => {
  for (const nextTurn of [nodeTurn, browserTurn]) {
    let arrived = false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      arrived = true;
    };
    port2.postMessage('');
    await Promise.all([nextTurn(), nextTurn()]);
    for (let turn = 0; turn < 50 && !arrived; turn++) await nextTurn();
    port1.close();
    assert.ok(arrived);
  }
});
