import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import {
  BASE_OT_MESSAGE_BYTES,
  BASE_OT_REPLY_BYTES,
  BASE_OTS,
  BaseOtReceiver,
  BaseOtSender,
} from '../../../crypto/ot/base-ot.ts';
import { packBits } from '../../../crypto/ot/bits.ts';
import { receiverReply, receiverSeeds, senderMessage, senderPairs } from '../../../crypto/ot/chou-orlandi.ts';
import { CorrelatedOtReceiver } from '../../../crypto/ot/correlated-ot.ts';
import { runBaseOts } from './base-ots.ts';

const { Point } = ed25519;

/** Fixed numbers below 2^252, spread over them. */
const scalar = (i: number) =>
  BigInt(`0x${createHash('sha256').update(`scalar ${i}`).digest('hex')}`) & (2n ** 252n - 1n);
/** A clamped scalar. */
const secret = 2n ** 254n + 8n * (scalar(BASE_OTS) & (2n ** 251n - 1n));
const secrets = Array.from({ length: BASE_OTS }, (_, i) => scalar(i));
const choices = Uint8Array.from(secrets, (_, i) => (i % 3 === 1 ? 1 : 0));
const message = senderMessage(secret);
const reply = receiverReply(message, choices, secrets);
const result = receiverSeeds(message, choices, secrets, reply);
const pairs = senderPairs(secret, reply);

/** x and y of a point, as they are sent. */
function encoded(point: InstanceType<typeof Point>): Uint8Array {
  const { x, y } = point.toAffine();
  return new Uint8Array(Buffer.concat([numberToBytesLE(x, 32), numberToBytesLE(y, 32)]));
}

/** A reply whose point `index` is `encoding`. */
function withPoint(index: number, encoding: Uint8Array): Uint8Array {
  const changed = reply.slice();
  changed.set(encoding, 64 * index);
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
  const a = Point.BASE.multiply(secret % Point.Fn.ORDER);
  assert.deepEqual(message, encoded(a));
  const session = createHash('sha256').update('base-ot').update(message).update(reply).digest();
  assert.deepEqual(pairs.session, new Uint8Array(session));
  const seed = (i: number, choice: number, point: typeof a) => {
    const { y } = point.toAffine();
    const { Fp } = Point;
    const u = Fp.div(Fp.add(1n, y), Fp.sub(1n, y));
    const hash = createHash('sha256')
      .update(session)
      .update(Uint8Array.of(i, 0, 0, 0, choice, 0, 0, 0));
    return new Uint8Array(hash.update(numberToBytesLE(u, 32)).digest());
  };
  for (const [i, b] of secrets.entries()) {
    const own = Point.BASE.multiply(b);
    const sent = choices[i] ? own.add(a) : own;
    assert.deepEqual(reply.subarray(64 * i, 64 * i + 64), encoded(sent));
    assert.deepEqual(result.seeds[i], seed(i, choices[i], a.multiply(b)));
    assert.deepEqual(pairs.zero[i], seed(i, 0, sent.multiply(secret % Point.Fn.ORDER)));
    assert.deepEqual(pairs.one[i], seed(i, 1, sent.subtract(a).multiply(secret % Point.Fn.ORDER)));
  }
});

test('the receiver’s scalars at the ends of their range give the seeds of the formulas', () => {
  const ends = [2n ** 125n, 2n ** 125n + 1n, 2n ** 251n - 1n, 2n ** 251n, 2n ** 251n + 1n, 2n ** 252n - 1n];
  const all = secrets.map((b, i) => ends[i] ?? b);
  const own = receiverReply(message, choices, all);
  const { seeds } = receiverSeeds(message, choices, all, own);
  const { zero, one } = senderPairs(secret, own);
  for (const [i, choice] of choices.entries()) assert.deepEqual(seeds[i], (choice ? one : zero)[i]);
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
      message: '9dc156329391879f36447bf1195a5f21',
      reply: '3a923fcf20894503b9f818dbbb49fb81',
      session: 'f754cfb749dc561c0298ec6018f1a494',
      seeds: 'f75c45322bb520107bccef3595cbd84c',
    },
  );
  assert.equal(message.length, BASE_OT_MESSAGE_BYTES);
  assert.equal(reply.length, BASE_OT_REPLY_BYTES);
});

test('every seed is bound to the whole reply', () => {
  // Points swapped, or one replaced by another valid one: not one of the receiver's seeds survives.
  const swapped = withPoint(5, reply.slice(64 * 6, 64 * 7));
  const replaced = withPoint(127, encoded(Point.BASE));
  for (const changed of [swapped, replaced]) {
    const known = new Set(result.seeds.map(String));
    const { zero, one } = senderPairs(secret, changed);
    for (const seed of [...zero, ...one]) assert.ok(!known.has(String(seed)));
  }
});

test('equal points in a reply give unequal seeds', () => {
  const { zero, one } = senderPairs(secret, withPoint(1, reply.slice(0, 64)));
  assert.notDeepEqual(zero[0], zero[1]);
  assert.notDeepEqual(one[0], one[1]);
});

/** Points B with a B = -a (B - A) up to a part of small order, of which X25519 sees a single u-coordinate. */
function halves(a: InstanceType<typeof Point>) {
  const half = a.multiply(Point.Fn.inv(2n));
  const two = Point.fromAffine({ x: 0n, y: Point.Fp.ORDER - 1n });
  const four = Point.fromAffine({ x: Point.Fp.sqrt(Point.Fp.ORDER - 1n), y: 0n });
  return [half, half.add(two), half.add(four), half.add(two).add(four)];
}

test('half of the sender’s point gives two unequal seeds', () => {
  for (const point of halves(Point.BASE.multiply(secret % Point.Fn.ORDER)))
    for (const index of [0, 127]) {
      const { zero, one } = senderPairs(secret, withPoint(index, encoded(point)));
      assert.notDeepEqual(zero[index], one[index]);
    }
});

test('a server that sends half of the client’s point does not see the client’s choices', () => {
  const bits = Uint8Array.from({ length: 1024 }, (_, i) => (scalar(i) & 1n ? 1 : 0));
  const sender = new BaseOtSender();
  const receiver = new BaseOtReceiver(sender.message);
  const own = Point.fromAffine({
    x: bytesToNumberLE(sender.message.slice(0, 32)),
    y: bytesToNumberLE(sender.message.slice(32)),
  });
  const cheating = receiver.reply.slice();
  cheating.set(encoded(halves(own)[0]), 0);
  const client = new CorrelatedOtReceiver(sender.finish(cheating), 4);
  const { matrix } = client.extend(bits);
  client.close();
  assert.notDeepEqual(matrix.subarray(0, bits.length / 8), packBits(bits, bits.length / 8));
});

const P = Point.Fp.ORDER;
const affine = (x: bigint, y: bigint) =>
  new Uint8Array(Buffer.concat([numberToBytesLE(x, 32), numberToBytesLE(y, 32)]));
const { x: X, y: Y } = Point.BASE.toAffine();

const BAD_POINTS: Record<string, Uint8Array> = {
  'the identity': affine(0n, 1n),
  zeros: affine(0n, 0n),
  'all ones': new Uint8Array(64).fill(255),
  'off the curve': affine(X, Y + 1n),
  'an x beyond the prime': affine(X + P, Y),
  'a y beyond the prime: another identity': affine(0n, 1n + P),
  'the point of order 2': affine(0n, P - 1n),
  'a point of order 4': affine(Point.Fp.sqrt(P - 1n), 0n),
};

for (const [what, encoding] of Object.entries(BAD_POINTS))
  test(`points are refused by both parties: ${what}`, () => {
    assert.throws(() => new BaseOtReceiver(encoding), { code: 'crypto/input' });
    for (const index of [0, 64, 127])
      assert.throws(() => new BaseOtSender().finish(withPoint(index, encoding)), { code: 'crypto/input' });
  });

test('a message outside the prime-order subgroup is refused: the reply would tell the choices', () => {
  const two = Point.fromAffine({ x: 0n, y: P - 1n });
  const four = Point.fromAffine({ x: Point.Fp.sqrt(P - 1n), y: 0n });
  for (const torsion of [two, four, two.add(four)])
    assert.throws(() => new BaseOtReceiver(encoded(Point.BASE.add(torsion))), { code: 'crypto/input' });
});

test('a part of small order in a reply changes no seed: it tells nothing of the sender’s secret', () => {
  const two = Point.fromAffine({ x: 0n, y: P - 1n });
  const moved = Point.fromAffine({
    x: bytesToNumberLE(reply.slice(0, 32)),
    y: bytesToNumberLE(reply.slice(32, 64)),
  });
  const session = (of: Uint8Array) =>
    createHash('sha256').update('base-ot').update(message).update(of).digest();
  const changed = withPoint(0, encoded(moved.add(two)));
  const { zero } = senderPairs(secret, changed);
  const seed = createHash('sha256').update(session(changed)).update(new Uint8Array(8));
  const { y } = moved.toAffine();
  const u = Point.Fp.div(Point.Fp.add(1n, y), Point.Fp.sub(1n, y));
  const product = x25519.scalarMult(numberToBytesLE(secret, 32), numberToBytesLE(u, 32));
  assert.deepEqual(zero[0], new Uint8Array(seed.update(product).digest()));
});

test('messages of another length are refused', () => {
  for (const length of [0, 32, 63, 65])
    assert.throws(() => new BaseOtReceiver(new Uint8Array(length)), { code: 'protocol/length' });
  for (const wrong of [new Uint8Array(0), reply.subarray(1), reply.subarray(64), new Uint8Array(8193)])
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
