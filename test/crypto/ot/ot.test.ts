import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { ristretto255 } from '@noble/curves/ed25519.js';
import {
  BASE_OT_REPLY_BYTES,
  BASE_OTS,
  type BaseOtChoices,
  type BaseOtPairs,
  BaseOtReceiver,
  BaseOtSender,
} from '../../../crypto/ot/base-ot.ts';
import { correctLabels, labelCorrections } from '../../../crypto/ot/correlate.ts';
import { otMatrixBytes, RandomOtReceiver, RandomOtSender } from '../../../crypto/ot/random-ot.ts';

function baseOts(): { pairs: BaseOtPairs; choices: BaseOtChoices } {
  const sender = new BaseOtSender();
  const receiver = new BaseOtReceiver(sender.message);
  return { pairs: sender.finish(receiver.reply), choices: receiver.finish() };
}

const session = baseOts();
const bits = (count: number) => new Uint8Array(randomBytes(count)).map((byte) => byte & 1);
const blocks = (bytes: Uint8Array) =>
  Array.from({ length: bytes.length / 16 }, (_, i) =>
    Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex'),
  );

test('the base-OT receiver gets the seed of its choice and not the other', () => {
  const { pairs, choices } = session;
  for (let i = 0; i < BASE_OTS; i++) {
    const [chosen, other] = choices.choices[i] ? [pairs.one, pairs.zero] : [pairs.zero, pairs.one];
    assert.deepEqual(choices.seeds[i], chosen[i]);
    assert.notDeepEqual(choices.seeds[i], other[i]);
  }
  assert.deepEqual(pairs.session, choices.session);
  assert.equal(new Set([...pairs.zero, ...pairs.one].map(String)).size, 2 * BASE_OTS);
});

test('the choice bits are fresh and both values occur', () => {
  const ones = session.choices.choices.reduce((sum, bit) => sum + bit, 0);
  assert.ok(ones > 20 && ones < 108);
  const again = baseOts();
  assert.notDeepEqual(again.choices.choices, session.choices.choices);
  assert.notDeepEqual(again.pairs.session, session.pairs.session);
});

test('short, long, malformed and identity points are refused', () => {
  const sender = new BaseOtSender();
  const { reply } = new BaseOtReceiver(sender.message);
  const identity = ristretto255.Point.ZERO.toBytes();
  assert.throws(() => new BaseOtReceiver(sender.message.subarray(1)), { code: 'protocol/length' });
  assert.throws(() => new BaseOtReceiver(identity), { code: 'crypto/input' });
  assert.throws(() => new BaseOtReceiver(new Uint8Array(32).fill(255)), { code: 'crypto/input' });
  assert.throws(() => sender.finish(reply.subarray(32)), { code: 'protocol/length' });
  assert.throws(() => sender.finish(new Uint8Array(BASE_OT_REPLY_BYTES)), { code: 'crypto/input' });
  const tampered = reply.slice();
  tampered.set(new Uint8Array(32).fill(1), 64);
  assert.throws(() => sender.finish(tampered), { code: 'crypto/input' });
  const withIdentity = reply.slice();
  withIdentity.set(identity, 96);
  assert.throws(() => sender.finish(withIdentity), { code: 'crypto/input' });
});

test('random OT: the receiver holds the message of its choice, for any count and any choices', () => {
  const receiver = new RandomOtReceiver(session.pairs);
  const sender = new RandomOtSender(session.choices);
  const seen = new Set<string>();
  let total = 0;
  for (const choices of [
    bits(1),
    bits(127),
    bits(128),
    bits(129),
    new Uint8Array(300),
    new Uint8Array(300).fill(1),
    bits(5000),
    bits(24576),
  ]) {
    const { matrix, messages } = receiver.extend(choices);
    assert.equal(matrix.length, otMatrixBytes(choices.length));
    const { zero, one } = sender.extend(choices.length, matrix);
    const [zeros, ones, known] = [zero, one, messages].map(blocks);
    for (const [i, choice] of choices.entries()) {
      assert.equal(known[i], choice ? ones[i] : zeros[i]);
      assert.notEqual(known[i], choice ? zeros[i] : ones[i]);
      seen.add(zeros[i]).add(ones[i]);
    }
    total += 2 * choices.length;
  }
  assert.equal(seen.size, total, 'no message occurs twice, within a call or across calls');
});

test('the matrix hides the choices: equal choices give unequal matrices', () => {
  const receiver = new RandomOtReceiver(session.pairs);
  const first = receiver.extend(new Uint8Array(256));
  const second = receiver.extend(new Uint8Array(256));
  assert.notDeepEqual(first.matrix, second.matrix);
});

test('a matrix of the wrong length is refused before any work', () => {
  const sender = new RandomOtSender(session.choices);
  assert.throws(() => sender.extend(128, new Uint8Array(2047)), { code: 'protocol/length' });
  assert.throws(() => sender.extend(129, new Uint8Array(2048)), { code: 'protocol/length' });
});

test('corrections make the pair (label, label xor delta)', () => {
  const receiver = new RandomOtReceiver(session.pairs);
  const sender = new RandomOtSender(session.choices);
  const choices = bits(1000);
  const delta = new Uint8Array(randomBytes(16));
  const { matrix, messages } = receiver.extend(choices);
  const { zero, one } = sender.extend(1000, matrix);
  const labels = correctLabels(messages, choices, labelCorrections(zero, one, delta));
  for (let i = 0; i < labels.length; i++)
    assert.equal(labels[i], zero[i] ^ (choices[i >> 4] ? delta[i & 15] : 0));
  assert.throws(() => correctLabels(messages, choices, new Uint8Array(15)), { code: 'protocol/length' });
});

test('the extension of fixed seeds never changes: the other side relies on its bytes', () => {
  const seeds = (start: number) =>
    Array.from({ length: BASE_OTS }, (_, j) => new Uint8Array(32).fill(start + j));
  const fixed = new Uint8Array(32).fill(5);
  const receiver = new RandomOtReceiver({ zero: seeds(0), one: seeds(100), session: fixed });
  const { matrix, messages } = receiver.extend(
    Uint8Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  );
  const digest = createHash('sha256').update(matrix).update(messages).digest('hex');
  assert.equal(digest, '490ce69b1ba1dec8f5b309a05f40d4972aeeb01f2224d454795f6ac12848919c');
});
