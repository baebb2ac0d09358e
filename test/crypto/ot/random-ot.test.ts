import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { OT_TREE_BITS, type OtTreeBits } from '../../../crypto/ot/ggm-trees.ts';
import {
  otMatrixBytes,
  RandomOtReceiver,
  RandomOtSender,
  treeMessageBytes,
} from '../../../crypto/ot/random-ot.ts';
import { TransferHash } from '../../../crypto/ot/transfer-hash.ts';
import { inWorkspace } from '../../kernels/block-reference.ts';
import { blocksOf, dealBaseOts, fixedBaseOts, randomBits, runBaseOts } from './base-ots.ts';
import { PlainSoftSpoken } from './soft-spoken-reference.ts';

/** More transfers than one block of columns (65,024) holds. */
const BEYOND_A_BLOCK = 66001;

/** Both parties of an extension. */
function parties(treeBits: OtTreeBits, { pairs, choices } = dealBaseOts()) {
  const receiver = new RandomOtReceiver(pairs, treeBits);
  return { receiver, sender: new RandomOtSender(choices, treeBits, receiver.treeMessage), pairs, choices };
}

/** One extension through both parties, as blocks. */
function extended({ receiver, sender }: ReturnType<typeof parties>, choices: Uint8Array) {
  const { matrix, messages } = receiver.extend(choices);
  const { zero, one } = sender.extend(choices.length, matrix);
  return { zeros: blocksOf(zero), ones: blocksOf(one), known: blocksOf(messages), matrix };
}

for (const treeBits of OT_TREE_BITS) {
  const titled = (title: string, body: () => void) => test(`trees of depth ${treeBits}: ${title}`, body);

  titled('the receiver holds the message of its choice, over many calls', () => {
    const session = parties(treeBits);
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

  titled('it does so for any count and any choices', () => {
    const session = parties(treeBits);
    const choices = fc.nat(400).chain((count) =>
      fc.oneof(
        fc.array(fc.constantFrom(0, 1), { minLength: count, maxLength: count, size: 'max' }),
        fc.constantFrom(0, 1).map((choice) => new Array<number>(count).fill(choice)),
        fc.constant(Array.from({ length: count }, (_, i) => (i === count - 1 ? 1 : 0))),
      ),
    );
    fc.assert(
      fc.property(choices, (choices) => {
        const { zeros, ones, known } = extended(session, Uint8Array.from(choices));
        assert.deepEqual(
          known,
          choices.map((choice, i) => (choice ? ones : zeros)[i]),
        );
      }),
      { numRuns: 60 },
    );
  });

  titled('and after base OTs as the protocol runs them', () => {
    const choices = randomBits(1000);
    const { zeros, ones, known } = extended(parties(treeBits, runBaseOts()), choices);
    assert.deepEqual(
      known,
      zeros.map((zero, i) => (choices[i] ? ones[i] : zero)),
    );
  });

  titled('matrix and messages are those of the formulas, over several calls and blocks of columns', () => {
    const { receiver, sender, pairs, choices: base } = parties(treeBits);
    const plain = new PlainSoftSpoken(pairs, base, treeBits);
    const session = sessionOf(pairs.session, receiver.treeMessage);
    let first = 0;
    for (const count of [5, BEYOND_A_BLOCK]) {
      const choices = randomBits(count);
      const { matrix, messages } = receiver.extend(choices);
      const { zero, one } = sender.extend(count, matrix);
      const expected = plain.extend(choices);
      assert.equal(matrix.length, otMatrixBytes(count, treeBits));
      assert.ok(Buffer.from(matrix).equals(expected.matrix));
      for (const i of [0, 1, 4, 65023, 65024, 65151, 65152, count - 1].filter((i) => i < count)) {
        const at = (bytes: Uint8Array) => Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex');
        const columns = expected.sender(i);
        assert.equal(at(messages), hashed(session, expected.receiver(i), first + i));
        assert.equal(at(zero), hashed(session, columns.zero, first + i));
        assert.equal(at(one), hashed(session, columns.one, first + i));
      }
      first += 128 * Math.ceil(count / 128);
    }
  });

  titled('the matrix hides the choices: equal choices give unequal rows, and bits are balanced', () => {
    const { receiver } = parties(treeBits);
    const matrices = [0, 1, 0].map((choice) => receiver.extend(new Uint8Array(2048).fill(choice)).matrix);
    const rows = new Set(matrices.flatMap((matrix) => rowsOf(matrix, 256)));
    assert.equal(rows.size, (3 * 128) / treeBits);
    assert.ok(!rows.has('00'.repeat(256)) && !rows.has('ff'.repeat(256)));
    for (const matrix of matrices) {
      let ones = 0;
      for (const byte of matrix) for (let bit = 0; bit < 8; bit++) ones += (byte >> bit) & 1;
      const expected = 4 * matrix.length;
      // Ten standard deviations of that many fair coins.
      assert.ok(Math.abs(ones - expected) < 10 * Math.sqrt(expected / 2));
    }
  });

  titled('two sessions with equal choices share nothing', () => {
    const choices = new Uint8Array(256);
    const [first, second] = [1, 2].map(() => extended(parties(treeBits), choices));
    const all = [first, second].flatMap(({ zeros, ones }) => [...zeros, ...ones]);
    assert.equal(new Set(all).size, 4 * 256);
    assert.equal(new Set([first, second].flatMap(({ matrix }) => rowsOf(matrix, 32))).size, 256 / treeBits);
  });

  titled('a matrix of the wrong length is refused and changes nothing', () => {
    const session = parties(treeBits);
    for (const [count, blocks] of [
      [128, 0],
      [128, 2],
      [129, 1],
      [1, 0],
      [0, 1],
    ]) {
      const wrong = new Uint8Array(blocks * otMatrixBytes(128, treeBits));
      assert.throws(() => session.sender.extend(count, wrong), { code: 'protocol/length' });
    }
    const short = new Uint8Array(otMatrixBytes(128, treeBits) - 1);
    assert.throws(() => session.sender.extend(128, short), { code: 'protocol/length' });
    const { zeros, known } = extended(session, new Uint8Array(10));
    assert.deepEqual(known, zeros);
  });

  titled('any matrix of the right length is worked on, and does no harm to later calls', () => {
    const session = parties(treeBits);
    const length = otMatrixBytes(500, treeBits);
    for (const hostile of [
      new Uint8Array(length),
      new Uint8Array(length).fill(255),
      new Uint8Array(randomBytes(length)),
    ]) {
      session.receiver.extend(new Uint8Array(500));
      const { zero, one } = session.sender.extend(500, hostile);
      assert.equal(new Set([...blocksOf(zero), ...blocksOf(one)]).size, 1000);
    }
    const { ones, known } = extended(session, new Uint8Array(500).fill(1));
    assert.deepEqual(known, ones);
  });

  titled('a changed bit of the matrix changes the messages of its transfer only', () => {
    const session = parties(treeBits);
    const { matrix, messages } = session.receiver.extend(new Uint8Array(256));
    // In all rows, as a change counts only in those of trees with a choice of 1.
    for (let row = 0; row < 128 / treeBits; row++) matrix[32 * row + 9] ^= 1 << 5;
    const zeros = blocksOf(session.sender.extend(256, matrix).zero);
    const wrong = blocksOf(messages).flatMap((known, i) => (known === zeros[i] ? [] : [i]));
    assert.deepEqual(wrong, [77]);
  });

  titled('with other sums than the receiver sent, the sender has no message that it knows', () => {
    const { pairs, choices } = dealBaseOts();
    const receiver = new RandomOtReceiver(pairs, treeBits);
    const length = treeMessageBytes(treeBits);
    assert.equal(receiver.treeMessage.length, length);
    assert.throws(() => new RandomOtSender(choices, treeBits, new Uint8Array(length + 1)), {
      code: 'protocol/length',
    });
    const { matrix, messages } = receiver.extend(new Uint8Array(128));
    const known = new Set(blocksOf(messages));
    for (let byte = 0; byte < length; byte += 1023) {
      const changed = receiver.treeMessage.map((value, i) => (i === byte ? value ^ 1 : value));
      const { zero, one } = new RandomOtSender(choices, treeBits, changed).extend(128, matrix);
      assert.ok(![...blocksOf(zero), ...blocksOf(one)].some((block) => known.has(block)));
    }
  });

  titled('choices other than 0 and 1 are refused and change nothing', () => {
    const session = parties(treeBits);
    for (const wrong of [2, 3, 128, 255])
      assert.throws(() => session.receiver.extend(Uint8Array.of(0, 1, wrong)), { code: 'crypto/input' });
    const { ones, known } = extended(session, Uint8Array.of(1, 1, 1));
    assert.deepEqual(known, ones);
  });

  titled('counts that no session can make are refused before any memory is taken', () => {
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 + 1, 2 ** 53]) {
      assert.throws(() => otMatrixBytes(count, treeBits), { code: 'crypto/input' });
      assert.throws(() => parties(treeBits).sender.extend(count, new Uint8Array(0)), {
        code: 'crypto/input',
      });
    }
    assert.deepEqual(
      [0, 1, 128, 129, 24576].map((count) => otMatrixBytes(count, treeBits)),
      [0, 2048, 2048, 4096, 393216].map((bytes) => bytes / treeBits),
    );
  });
}

/** The rows of a matrix in hexadecimal. */
function rowsOf(matrix: Uint8Array, width: number): string[] {
  return Array.from({ length: matrix.length / width }, (_, row) =>
    Buffer.from(matrix.subarray(row * width, (row + 1) * width)).toString('hex'),
  );
}

function sessionOf(base: Uint8Array, treeMessage: Uint8Array): Uint8Array {
  if (treeMessage.length === 0) return base;
  const hash = createHash('sha256').update('ot-trees').update(base).update(treeMessage);
  return new Uint8Array(hash.digest());
}

function hashed(session: Uint8Array, column: Uint8Array, tweak: number): string {
  return inWorkspace(({ memory }) => {
    const block = memory.bytes(16);
    block.set(column);
    return Buffer.from(new TransferHash(session).of(block, tweak, memory)).toString('hex');
  });
}

test('other depths of trees are refused', () => {
  for (const depth of [0, 3, 8, Number.NaN] as unknown as OtTreeBits[])
    assert.throws(() => otMatrixBytes(128, depth), { code: 'crypto/input' });
});

test('the extension of fixed seeds never changes: the other side relies on its bytes', () => {
  const digests = OT_TREE_BITS.map((treeBits) => {
    const receiver = new RandomOtReceiver(fixedBaseOts().pairs, treeBits);
    const { matrix, messages } = receiver.extend(
      Uint8Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    );
    return createHash('sha256').update(matrix).update(messages).digest('hex');
  });
  assert.deepEqual(digests, [
    '490ce69b1ba1dec8f5b309a05f40d4972aeeb01f2224d454795f6ac12848919c',
    '2105ed0f75a01046b1635f03983977aa05c1abfef96167d70acb36a2a186d147',
    '7cc7f697f6c7101f008b19770eacdbfd97592e955a8d84ab4a697a72fcb03dcb',
  ]);
});
