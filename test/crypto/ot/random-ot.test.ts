import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { BASE_OTS } from '../../../crypto/ot/base-ot.ts';
import { otMatrixBytes, RandomOtReceiver, RandomOtSender } from '../../../crypto/ot/random-ot.ts';
import { TransferHash } from '../../../crypto/ot/transfer-hash.ts';
import { Prg } from '../../../crypto/prg.ts';
import { inWorkspace } from '../../kernels/block-reference.ts';
import { blocksOf, dealBaseOts, randomBits, runBaseOts } from './base-ots.ts';

/** More transfers than one block of columns (65,024) holds. */
const BEYOND_A_BLOCK = 66001;

/** Both parties of an extension. */
function parties({ pairs, choices } = dealBaseOts()) {
  return { receiver: new RandomOtReceiver(pairs), sender: new RandomOtSender(choices), pairs, choices };
}

/** One extension through both parties, as blocks. */
function extended({ receiver, sender }: ReturnType<typeof parties>, choices: Uint8Array) {
  const { matrix, messages } = receiver.extend(choices);
  assert.equal(matrix.length, otMatrixBytes(choices.length));
  const { zero, one } = sender.extend(choices.length, matrix);
  return { zeros: blocksOf(zero), ones: blocksOf(one), known: blocksOf(messages) };
}

test('the receiver holds the message of its choice, for any count and any choices, over many calls', () => {
  const session = parties();
  const seen = new Set<string>();
  const differences = new Set<bigint>();
  let total = 0;
  for (const choices of [
    randomBits(1),
    randomBits(127),
    randomBits(128),
    randomBits(129),
    new Uint8Array(0),
    new Uint8Array(300),
    new Uint8Array(300).fill(1),
    randomBits(5000),
    randomBits(BEYOND_A_BLOCK),
  ]) {
    const { zeros, ones, known } = extended(session, choices);
    assert.deepEqual(
      known,
      zeros.map((zero, i) => (choices[i] ? ones[i] : zero)),
    );
    for (const [i, zero] of zeros.entries()) {
      seen.add(zero).add(ones[i]);
      differences.add(BigInt(`0x${zero}`) ^ BigInt(`0x${ones[i]}`));
    }
    total += choices.length;
  }
  // The other message is none that the receiver knows, nor a known one shifted by the sender's secret.
  assert.equal(seen.size, 2 * total, 'no message occurs twice, within a call or across calls');
  assert.equal(differences.size, total, 'the two messages of no two transfers differ alike');
});

test('it holds too after base OTs as the protocol runs them', () => {
  const session = parties(runBaseOts());
  const choices = randomBits(1000);
  const { zeros, ones, known } = extended(session, choices);
  assert.deepEqual(
    known,
    zeros.map((zero, i) => (choices[i] ? ones[i] : zero)),
  );
});

test('matrix and messages are those of the formulas, over several calls and blocks of columns', () => {
  const { receiver, sender, pairs, choices: base } = parties();
  const streams = (seeds: readonly Uint8Array[]) => seeds.map((seed) => new Prg(seed, 'ot-column'));
  const [zeroStreams, oneStreams] = [streams(pairs.zero), streams(pairs.one)];
  const bit = (row: Uint8Array, i: number) => (row[i >> 3] >> (i & 7)) & 1;
  let first = 0;
  for (const count of [5, BEYOND_A_BLOCK]) {
    const choices = randomBits(count);
    const width = 16 * Math.ceil(count / 128);
    const { matrix, messages } = receiver.extend(choices);
    const { zero, one } = sender.extend(count, matrix);
    const packed = new Uint8Array(width);
    for (const [i, choice] of choices.entries()) packed[i >> 3] |= choice << (i & 7);
    const own = zeroStreams.map((stream) => stream.bytes(width));
    for (const [j, stream] of oneStreams.entries()) {
      const row = stream.bytes(width).map((byte, i) => byte ^ own[j][i] ^ packed[i]);
      assert.ok(Buffer.from(row).equals(matrix.subarray(j * width, (j + 1) * width)), `row ${j}`);
    }
    for (const i of [0, 1, 4, 65023, 65024, 65151, 65152, count - 1].filter((i) => i < count)) {
      const [t, shifted] = [0, 1].map((other) => {
        const column = new Uint8Array(16);
        for (let j = 0; j < BASE_OTS; j++)
          column[j >> 3] |= (bit(own[j], i) ^ (base.choices[j] & other)) << (j & 7);
        return hashed(pairs.session, column, first + i);
      });
      const at = (bytes: Uint8Array) => Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex');
      assert.equal(at(messages), t);
      assert.deepEqual([at(zero), at(one)], choices[i] ? [shifted, t] : [t, shifted]);
    }
    first += 8 * width;
  }
});

function hashed(session: Uint8Array, column: Uint8Array, tweak: number): string {
  return inWorkspace(({ memory }) => {
    const block = memory.bytes(16);
    block.set(column);
    return Buffer.from(new TransferHash(session).of(block, tweak, memory)).toString('hex');
  });
}

test('the matrix hides the choices: equal choices give unequal matrices, and bits are balanced', () => {
  const { receiver } = parties();
  const matrices = [0, 1, 0].map((choice) => receiver.extend(new Uint8Array(2048).fill(choice)).matrix);
  assert.notDeepEqual(matrices[0], matrices[2]);
  for (const matrix of matrices) {
    let ones = 0;
    for (const byte of matrix) for (let bit = 0; bit < 8; bit++) ones += (byte >> bit) & 1;
    const expected = 4 * matrix.length;
    // Ten standard deviations of that many fair coins.
    assert.ok(Math.abs(ones - expected) < 10 * Math.sqrt(expected / 2));
  }
});

test('two sessions with equal choices share nothing', () => {
  const choices = new Uint8Array(256);
  const [first, second] = [extended(parties(), choices), extended(parties(), choices)];
  const all = [first, second].flatMap(({ zeros, ones }) => [...zeros, ...ones]);
  assert.equal(new Set(all).size, 4 * 256);
});

test('a matrix of the wrong length is refused and changes nothing', () => {
  const session = parties();
  const { sender } = session;
  for (const [count, length] of [
    [128, 2047],
    [129, 2048],
    [128, 4096],
    [1, 0],
    [0, 16],
  ])
    assert.throws(() => sender.extend(count, new Uint8Array(length)), { code: 'protocol/length' });
  const { zeros, known } = extended(session, new Uint8Array(10));
  assert.deepEqual(known, zeros);
});

test('counts that no session can make are refused before any memory is taken', () => {
  for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 + 1, 2 ** 53]) {
    assert.throws(() => otMatrixBytes(count), { code: 'crypto/input' });
    assert.throws(() => parties().sender.extend(count, new Uint8Array(0)), { code: 'crypto/input' });
  }
  assert.deepEqual([0, 1, 128, 129].map(otMatrixBytes), [0, 2048, 2048, 4096]);
});

test('choices other than 0 and 1 are refused and change nothing', () => {
  const session = parties();
  for (const wrong of [2, 3, 128, 255])
    assert.throws(() => session.receiver.extend(Uint8Array.of(0, 1, wrong)), { code: 'crypto/input' });
  const { ones, known } = extended(session, Uint8Array.of(1, 1, 1));
  assert.deepEqual(known, ones);
});

test('the extension of fixed seeds never changes: the other side relies on its bytes', () => {
  const seeds = (start: number) =>
    Array.from({ length: BASE_OTS }, (_, j) => new Uint8Array(32).fill(start + j));
  const session = new Uint8Array(32).fill(5);
  const receiver = new RandomOtReceiver({ zero: seeds(0), one: seeds(100), session });
  const { matrix, messages } = receiver.extend(
    Uint8Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
  );
  const digest = createHash('sha256').update(matrix).update(messages).digest('hex');
  assert.equal(digest, '490ce69b1ba1dec8f5b309a05f40d4972aeeb01f2224d454795f6ac12848919c');
});
