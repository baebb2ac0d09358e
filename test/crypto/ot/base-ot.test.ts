import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ristretto255 } from '@noble/curves/ed25519.js';
import {
  BASE_OT_MESSAGE_BYTES,
  BASE_OT_REPLY_BYTES,
  BASE_OTS,
  BaseOtReceiver,
  BaseOtSender,
} from '../../../crypto/ot/base-ot.ts';
import { receiverReply, receiverSeeds, senderMessage, senderPairs } from '../../../crypto/ot/chou-orlandi.ts';
import { runBaseOts } from './base-ots.ts';

const { Point } = ristretto255;

/** Fixed secrets, spread over the group's order. */
const scalar = (i: number) =>
  Point.Fn.create(BigInt(`0x${createHash('sha512').update(`scalar ${i}`).digest('hex')}`));
const secret = scalar(BASE_OTS);
const secrets = Array.from({ length: BASE_OTS }, (_, i) => scalar(i));
const choices = Uint8Array.from(secrets, (_, i) => (i % 3 === 1 ? 1 : 0));
const message = senderMessage(secret);
const reply = receiverReply(message, choices, secrets);
const result = receiverSeeds(message, choices, secrets, reply);
const pairs = senderPairs(secret, reply);

/** A reply whose point `index` is `encoding`. */
function withPoint(index: number, encoding: Uint8Array): Uint8Array {
  const changed = reply.slice();
  changed.set(encoding, 32 * index);
  return changed;
}

test('the receiver gets the seed of its choice and not the other', () => {
  const { pairs, choices } = runBaseOts();
  for (const [i, choice] of choices.choices.entries()) {
    const [chosen, other] = choice ? [pairs.one, pairs.zero] : [pairs.zero, pairs.one];
    assert.deepEqual(choices.seeds[i], chosen[i]);
    assert.notDeepEqual(choices.seeds[i], other[i]);
  }
  assert.deepEqual(pairs.session, choices.session);
  assert.equal(new Set([...pairs.zero, ...pairs.one].map(String)).size, 2 * BASE_OTS);
});

test('two sessions share no choices, no seeds and no session id', () => {
  const [first, second] = [runBaseOts(), runBaseOts()];
  const ones = first.choices.choices.reduce((sum, bit) => sum + bit, 0);
  assert.ok(ones > 20 && ones < 108, 'both choices occur');
  assert.notDeepEqual(first.choices.choices, second.choices.choices);
  assert.notDeepEqual(first.pairs.session, second.pairs.session);
  const seeds = [first, second].flatMap(({ pairs }) => [...pairs.zero, ...pairs.one]);
  assert.equal(new Set(seeds.map(String)).size, 4 * BASE_OTS);
});

test('messages and seeds are those of the formulas', () => {
  const a = Point.BASE.multiply(secret);
  assert.deepEqual(message, a.toBytes());
  const session = createHash('sha256').update('base-ot').update(message).update(reply).digest();
  assert.deepEqual(pairs.session, new Uint8Array(session));
  const seed = (i: number, point: typeof a) =>
    new Uint8Array(
      createHash('sha256')
        .update(session)
        .update(Uint8Array.of(i, 0, 0, 0))
        .update(point.toBytes())
        .digest(),
    );
  for (const [i, b] of secrets.entries()) {
    const own = Point.BASE.multiply(b);
    const sent = choices[i] ? own.add(a) : own;
    assert.deepEqual(reply.subarray(32 * i, 32 * i + 32), sent.toBytes());
    assert.deepEqual(result.seeds[i], seed(i, a.multiply(b)));
    assert.deepEqual(pairs.zero[i], seed(i, sent.multiply(secret)));
    assert.deepEqual(pairs.one[i], seed(i, sent.subtract(a).multiply(secret)));
  }
});

test('fixed secrets give fixed bytes: the other side relies on them', () => {
  const digest = (...parts: Uint8Array[]) =>
    createHash('sha256').update(Buffer.concat(parts)).digest('hex').slice(0, 32);
  assert.deepEqual(
    {
      message: digest(message),
      reply: digest(reply),
      session: digest(pairs.session),
      seeds: digest(...pairs.zero, ...pairs.one),
    },
    {
      message: '1ea8ff62cb8603e5f1ecb29436dc80ac',
      reply: '0d7c92dc77ce31e2bd01df7d7c135662',
      session: 'b124c812a982425901a029da14d8508e',
      seeds: '804c7f338dfd8c172b6be42791bccf05',
    },
  );
  assert.equal(message.length, BASE_OT_MESSAGE_BYTES);
  assert.equal(reply.length, BASE_OT_REPLY_BYTES);
});

test('every seed is bound to the whole reply', () => {
  // Points swapped, or one replaced by another valid one: not one of the receiver's seeds survives.
  const swapped = withPoint(5, reply.slice(32 * 6, 32 * 7));
  const replaced = withPoint(127, Point.BASE.toBytes());
  for (const changed of [swapped, replaced]) {
    const known = new Set(result.seeds.map(String));
    const { zero, one } = senderPairs(secret, changed);
    for (const seed of [...zero, ...one]) assert.ok(!known.has(String(seed)));
  }
});

test('equal points in a reply give unequal seeds', () => {
  const { zero, one } = senderPairs(secret, withPoint(1, reply.slice(0, 32)));
  assert.notDeepEqual(zero[0], zero[1]);
  assert.notDeepEqual(one[0], one[1]);
});

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

const BAD_POINTS: Record<string, Uint8Array> = {
  'the identity': Point.ZERO.toBytes(),
  'a field element beyond the prime': hex(`f3${'ff'.repeat(30)}7f`),
  'the prime itself, another zero': hex(`ed${'ff'.repeat(30)}7f`),
  'a set top bit': Point.BASE.toBytes().map((byte, i) => (i === 31 ? byte | 0x80 : byte)),
  'all ones': new Uint8Array(32).fill(255),
  'a negative field element': hex(`01${'00'.repeat(31)}`),
  'no square': hex('26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371'),
  'y = 0': hex(`ec${'ff'.repeat(30)}7f`),
  'the edwards25519 encoding of the base point': hex(`58${'66'.repeat(31)}`),
};

for (const [what, encoding] of Object.entries(BAD_POINTS))
  test(`points are refused by both parties: ${what}`, () => {
    assert.throws(() => new BaseOtReceiver(encoding), { code: 'crypto/input' });
    for (const index of [0, 64, 127])
      assert.throws(() => new BaseOtSender().finish(withPoint(index, encoding)), { code: 'crypto/input' });
  });

test('messages of another length are refused', () => {
  for (const length of [0, 31, 33, 64])
    assert.throws(() => new BaseOtReceiver(new Uint8Array(length)), { code: 'protocol/length' });
  for (const wrong of [new Uint8Array(0), reply.subarray(1), reply.subarray(32), new Uint8Array(4097)])
    assert.throws(() => new BaseOtSender().finish(wrong), { code: 'protocol/length' });
});

test('a party finishes once: its secrets never serve two sessions', () => {
  const sender = new BaseOtSender();
  const receiver = new BaseOtReceiver(sender.message);
  sender.finish(receiver.reply);
  receiver.finish();
  assert.throws(() => sender.finish(receiver.reply), { code: 'protocol/order' });
  assert.throws(() => receiver.finish(), { code: 'protocol/order' });
  const attacked = new BaseOtSender();
  assert.throws(() => attacked.finish(new Uint8Array(BASE_OT_REPLY_BYTES)), { code: 'crypto/input' });
  assert.throws(() => attacked.finish(receiver.reply), { code: 'protocol/order' });
});

test('the steps that take secrets as arguments are called by the two parties only', () => {
  const root = join(import.meta.dirname, '../../..');
  const floors = '{crypto,model,protocol,transport,server,client,cli,bench}/**/*.ts';
  const callers = globSync(floors, { cwd: root }).filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('/chou-orlandi.ts'),
  );
  assert.deepEqual(callers, [join('crypto', 'ot', 'base-ot.ts')]);
});
