import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CorrelatedOtReceiver,
  CorrelatedOtSender,
  otMatrixBytes,
  treeMessageBytes,
} from '../../../crypto/ot/correlated-ot.ts';
import { OT_TREE_BITS, type OtTreeBits } from '../../../crypto/ot/ggm-trees.ts';
import { blocksOf, dealBaseOts, fixedBaseOts, randomBits, runBaseOts } from './base-ots.ts';
import { PlainSoftSpoken } from './soft-spoken-reference.ts';

/** More transfers than one block of columns (65,024) holds. */
const BEYOND_A_BLOCK = 66001;

/** Both parties of an extension. */
function parties(treeBits: OtTreeBits, { pairs, choices } = dealBaseOts()) {
  const receiver = new CorrelatedOtReceiver(pairs, treeBits);
  return {
    receiver,
    sender: new CorrelatedOtSender(choices, treeBits, receiver.treeMessage),
    pairs,
    choices,
  };
}

/** One extension through both parties, as blocks. */
function extended({ receiver, sender }: ReturnType<typeof parties>, choices: Uint8Array) {
  const { matrix, labels } = receiver.extend(choices);
  const zero = sender.extend(choices.length, matrix);
  const one = zero.map((byte, i) => byte ^ sender.delta[i & 15]);
  return { zeros: blocksOf(zero), ones: blocksOf(one), known: blocksOf(labels), matrix };
}

for (const treeBits of OT_TREE_BITS) {
  const titled = (title: string, body: () => void) => test(`trees of depth ${treeBits}: ${title}`, body);

  titled('a closed receiver chooses nothing more', () => {
    const { receiver } = parties(treeBits);
    receiver.close();
    assert.throws(() => receiver.extend(randomBits(8)), { code: 'protocol/order' });
  });

  titled('the receiver holds the label of its choice, over many calls', () => {
    const session = parties(treeBits);
    const seen = new Set<string>();
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
      for (const label of [...zeros, ...ones]) seen.add(label);
      total += choices.length;
    }
    assert.equal(seen.size, 2 * total, 'no label occurs twice, within a call or across calls');
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

  titled('matrix and labels are those of the formulas, over several calls and blocks of columns', () => {
    const { receiver, sender, pairs, choices: base } = parties(treeBits);
    const plain = new PlainSoftSpoken(pairs, base, treeBits);
    for (const count of [5, BEYOND_A_BLOCK]) {
      const choices = randomBits(count);
      const { matrix, labels } = receiver.extend(choices);
      const zero = sender.extend(count, matrix);
      const expected = plain.extend(choices);
      assert.equal(matrix.length, otMatrixBytes(count, treeBits));
      assert.ok(Buffer.from(matrix).equals(expected.matrix));
      for (const i of [0, 1, 4, 65023, 65024, 65151, 65152, count - 1].filter((i) => i < count)) {
        const at = (bytes: Uint8Array) => Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex');
        const columns = expected.sender(i);
        assert.equal(at(labels), Buffer.from(expected.receiver(i)).toString('hex'));
        assert.equal(at(zero), Buffer.from(columns.zero).toString('hex'));
        assert.deepEqual(
          columns.one,
          columns.zero.map((byte, j) => byte ^ sender.delta[j]),
        );
      }
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
      assert.equal(new Set(blocksOf(session.sender.extend(500, hostile))).size, 500);
    }
    const { ones, known } = extended(session, new Uint8Array(500).fill(1));
    assert.deepEqual(known, ones);
  });

  titled('a changed bit of the matrix changes the labels of its transfer only', () => {
    const session = parties(treeBits);
    const { matrix, labels } = session.receiver.extend(new Uint8Array(256));
    // In all rows, as a change counts only in those of trees with a choice of 1.
    for (let row = 0; row < 128 / treeBits; row++) matrix[32 * row + 9] ^= 1 << 5;
    const zeros = blocksOf(session.sender.extend(256, matrix));
    const wrong = blocksOf(labels).flatMap((known, i) => (known === zeros[i] ? [] : [i]));
    assert.deepEqual(wrong, [77]);
  });

  titled('a tree message of another length is refused', () => {
    const { pairs, choices } = dealBaseOts();
    const { treeMessage } = new CorrelatedOtReceiver(pairs, treeBits);
    assert.equal(treeMessage.length, treeMessageBytes(treeBits));
    for (const wrong of [treeMessage.subarray(1), new Uint8Array(treeMessage.length + 1), new Uint8Array(0)])
      assert.throws(() => new CorrelatedOtSender(choices, treeBits, wrong), { code: 'protocol/length' });
  });

  titled('Delta is what the sender chose in the base OTs, with a colour bit of 1', () => {
    const { choices, sender } = parties(treeBits, runBaseOts());
    const bits = Array.from(sender.delta).flatMap((byte) =>
      Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1),
    );
    assert.deepEqual(bits, [...choices.choices]);
    assert.equal(bits[0], 1);
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

test('other depths of trees are refused', () => {
  for (const depth of [0, 3, 8, Number.NaN] as unknown as OtTreeBits[])
    assert.throws(() => otMatrixBytes(128, depth), { code: 'crypto/input' });
});

test('the extension of fixed seeds never changes: the other side relies on its bytes', () => {
  const digests = OT_TREE_BITS.map((treeBits) => {
    const receiver = new CorrelatedOtReceiver(fixedBaseOts().pairs, treeBits);
    const { matrix, labels } = receiver.extend(
      Uint8Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    );
    return createHash('sha256').update(receiver.treeMessage).update(matrix).update(labels).digest('hex');
  });
  assert.deepEqual(digests, [
    '8e4e738ed36aece8af69dd71f3fd426521b49b35ee43e5c2b4a25980b5718d87',
    '0fcc635570e1ea24e21e88cdb2bd4153761973005fbd9fdc879bf1e72acbe2d0',
    'fee1362a32ffb0fb308320ca06ed668db510c9ab7b705423d508b6a253211864',
  ]);
});
