import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientBits, evaluate } from '../../../crypto/garbling/evaluate.ts';
import { GADGET_CHUNK, type Gadget, type GarblerKeys, gadgetBytes } from '../../../crypto/garbling/gadget.ts';
import { garble } from '../../../crypto/garbling/garble.ts';
import { bundleDelta } from '../../../crypto/garbling/keys.ts';
import { outputMasks, removeMask, serverLabels } from '../../../crypto/garbling/online.ts';
import { randomSeed } from '../../../crypto/prg.ts';
import { subtractShares } from '../../../crypto/ring.ts';

function freshKeys(seed = randomSeed(), nonce = new Uint8Array(randomBytes(16)), layer = 0): GarblerKeys {
  return { seed, delta: bundleDelta(seed), nonce, layer };
}

/** What OT gives the evaluator: of each pair (zero, zero xor delta) the label of its bit. */
function chooseLabels(zero: Uint8Array, delta: Uint8Array, bits: Uint8Array): Uint8Array {
  return zero.map((byte, i) => byte ^ (bits[i >> 4] ? delta[i & 15] : 0));
}

/** Runs garbler and evaluator on shares of x; returns f(x), and what the evaluator sees. */
function run(gadget: Gadget, x: Int32Array, b: Uint32Array, first = 0, keys = freshKeys()) {
  const count = x.length;
  const a = subtractShares(new Uint32Array(x), b);
  const zero = new Uint8Array(randomBytes(16 * gadgetBytes(gadget).labels * count));
  const tables = garble(gadget, keys, first, count, zero);
  const labels = chooseLabels(zero, keys.delta, clientBits(gadget, b));
  const online = serverLabels(gadget, keys, first, count, a);
  const seen = evaluate(gadget, keys.nonce, keys.layer, first, count, b, tables, labels, online);
  return { a, tables, online, seen, output: new Int32Array(removeMask(gadget, keys, first, count, seen, a)) };
}

/** floor((x + 2^f) / 2^f) less the carry of the dropped bits, then the function. */
function expected({ kind, dropBits }: Gadget, x: Int32Array, a: Uint32Array, b: Uint32Array): Int32Array {
  const unit = 2 ** dropBits;
  return x.map((value, e) => {
    const carry = (a[e] % unit) + (b[e] % unit) >= unit ? 1 : 0;
    const rounded = Math.floor(value / unit) + (dropBits === 0 ? 0 : 1) - carry;
    return kind === 'relu' ? Math.max(0, rounded) : rounded;
  });
}

/** Values within the gadget's range, its borders included, and shares of all sorts. */
function inputs(gadget: Gadget, count: number) {
  // Rounding up must still fit: x < (2^(k-1) - 1) * 2^f.
  const units = gadget.kind === 'relu' ? 2 ** (gadget.ringBits - 1) - 1 : 2 ** (30 - gadget.dropBits) - 1;
  const limit = units * 2 ** gadget.dropBits - 1;
  const words = new Uint32Array(Uint8Array.from(randomBytes(8 * count)).buffer);
  const unit = 2 ** gadget.dropBits;
  const edges = [0, 1, -1, limit, -limit, limit - 1, 1 - limit, unit, -unit].filter(
    (x) => Math.abs(x) <= limit,
  );
  const x = Int32Array.from({ length: count }, (_, e) =>
    e < edges.length ? edges[e] : Math.floor((words[e] / 2 ** 32 - 0.5) * 2 * limit),
  );
  const shares = [0, 2 ** 31, 2 ** 32 - 1, 1];
  const b = Uint32Array.from({ length: count }, (_, e) =>
    e % 7 < shares.length ? shares[e % 7] : words[count + e],
  );
  return { x, b };
}

test('the ReLU gadget computes ReLU of the truncated value for every k, f and digit width', () => {
  for (const digitBits of [1, 2] as const)
    for (let ringBits = 2; ringBits <= 20; ringBits++)
      for (const dropBits of [0, 1, 7, 12].filter((f) => ringBits + f <= 32)) {
        const gadget: Gadget = { kind: 'relu', ringBits, dropBits, digitBits };
        const { x, b } = inputs(gadget, 40);
        const { a, output } = run(gadget, x, b);
        assert.deepEqual(output, expected(gadget, x, a, b), JSON.stringify(gadget));
      }
});

test('the ReLU gadget is exact up to k + f = 32', () => {
  for (const [ringBits, dropBits] of [
    [20, 12],
    [12, 20],
    [2, 30],
  ]) {
    const gadget: Gadget = { kind: 'relu', ringBits, dropBits, digitBits: 2 };
    const { x, b } = inputs(gadget, 64);
    const { a, output } = run(gadget, x, b);
    assert.deepEqual(output, expected(gadget, x, a, b));
  }
});

test('the Rescale gadget truncates and wraps right for every f', () => {
  for (let dropBits = 0; dropBits <= 24; dropBits++) {
    const gadget: Gadget = { kind: 'rescale', ringBits: 0, dropBits, digitBits: 2 };
    const { x, b } = inputs(gadget, 64);
    const { a, output } = run(gadget, x, b);
    assert.deepEqual(output, expected(gadget, x, a, b), `f = ${dropBits}`);
  }
});

test('the gadget holds for any values in range, any shares and any place in the layer', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 12, dropBits: 9, digitBits: 2 };
  const value = fc.integer({ min: -(2 ** 20) + 2 ** 10, max: 2 ** 20 - 2 ** 10 });
  const element = fc.tuple(value, fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 30 }), fc.nat(2 ** 24), (elements, first) => {
      const x = Int32Array.from(elements, ([v]) => v);
      const b = Uint32Array.from(elements, ([, share]) => share);
      const { a, output } = run(gadget, x, b, first);
      assert.deepEqual(output, expected(gadget, x, a, b));
    }),
    { numRuns: 50 },
  );
});

test('truncation rounds without bias', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 12, dropBits: 8, digitBits: 2 };
  let error = 0;
  let squares = 0;
  for (let part = 0; part < 8; part++) {
    const x = new Int32Array(GADGET_CHUNK).map((_, e) => 5000 + 17 * e + part);
    const b = new Uint32Array(Uint8Array.from(randomBytes(4 * GADGET_CHUNK)).buffer);
    for (const [e, y] of run(gadget, x, b).output.entries()) {
      error += y - x[e] / 256;
      squares += (y - x[e] / 256) ** 2;
    }
  }
  const count = 8 * GADGET_CHUNK;
  // Rounding alone is off by 2^-f on average; six standard deviations around it.
  assert.ok(
    Math.abs(error / count - 2 ** -8) < 6 * Math.sqrt(squares / count / count),
    String(error / count),
  );
});

test('tables, labels and keys have the lengths of the published formula', () => {
  const bytes = (ringBits: number, digitBits: 1 | 2) =>
    gadgetBytes({ kind: 'relu', ringBits, dropBits: 8, digitBits });
  assert.deepEqual(bytes(12, 2), { labels: 12, tables: 11 * 32 + 11 * 16 + 6 * 96, online: 96 });
  assert.deepEqual(bytes(13, 2), { labels: 13, tables: 12 * 32 + 12 * 16 + 6 * 96, online: 112 });
  assert.deepEqual(bytes(12, 1), { labels: 12, tables: 11 * 32 + 11 * 16, online: 192 });
  const rescale = gadgetBytes({ kind: 'rescale', ringBits: 0, dropBits: 8, digitBits: 2 });
  assert.deepEqual(rescale, { labels: 1, tables: 16, online: 16 });
});

test('tables for fixed secrets never change: the other side relies on their bytes', () => {
  const digest = (gadget: Gadget) => {
    const keys = freshKeys(new Uint8Array(32).fill(7), new Uint8Array(16).fill(9), 3);
    const { labels } = gadgetBytes(gadget);
    const zero = new Uint8Array(16 * labels * 50).map((_, i) => i * 37);
    const share = Uint32Array.from({ length: 50 }, (_, e) => e * 123456789);
    return createHash('sha256')
      .update(garble(gadget, keys, 100, 50, zero))
      .update(serverLabels(gadget, keys, 100, 50, share))
      .update(outputMasks(gadget, keys, 100, 50))
      .digest('hex');
  };
  assert.equal(
    digest({ kind: 'relu', ringBits: 11, dropBits: 8, digitBits: 2 }),
    '62b8dcd627cd0d41e664091a14a54e5544c92a5014237b3be7c175dea0b0177b',
  );
  assert.equal(
    digest({ kind: 'rescale', ringBits: 0, dropBits: 8, digitBits: 2 }),
    '0ea02fdc0389ec89c65bc365697532612315b5a4b9d2110cfb907756977b6b73',
  );
});

test('what the evaluator opens is masked, and a wrong label opens nothing', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 12, dropBits: 8, digitBits: 2 };
  const count = 500;
  const x = new Int32Array(count).fill(51200);
  const b = new Uint32Array(Uint8Array.from(randomBytes(4 * count)).buffer);
  const keys = freshKeys();
  const { seen, tables, a, output } = run(gadget, x, b, 0, keys);
  assert.equal(new Set(seen).size, count, 'equal outputs look different');
  assert.ok(output.every((y) => y === 200 || y === 201));
  const labels = new Uint8Array(randomBytes(16 * 12 * count));
  const online = serverLabels(gadget, keys, 0, count, a);
  const guessed = evaluate(gadget, keys.nonce, keys.layer, 0, count, b, tables, labels, online);
  const opened = new Int32Array(removeMask(gadget, keys, 0, count, guessed, a));
  assert.ok(opened.filter((y) => y >= 0 && y < 2 ** 12).length < 5);
});

test('delta differs between bundles and its colour bit is 1', () => {
  const deltas = Array.from({ length: 50 }, () => bundleDelta(randomSeed()));
  assert.ok(deltas.every((delta) => delta.length === 16 && (delta[0] & 1) === 1));
  assert.equal(new Set(deltas.map(String)).size, 50);
});

test('the colours of the online keys say nothing about the digits', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 2, dropBits: 0, digitBits: 2 };
  const share = new Uint32Array(GADGET_CHUNK).fill(2);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 8; i++) {
    const sent = serverLabels(gadget, freshKeys(), 0, GADGET_CHUNK, share);
    for (let e = 0; e < GADGET_CHUNK; e++) counts[sent[16 * e] & 3]++;
  }
  const mean = 2 * GADGET_CHUNK;
  for (const count of counts) assert.ok(Math.abs(count - mean) < 6 * Math.sqrt(mean));
});

test('no row of a table occurs twice, in a chunk, a layer or a bundle', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 6, dropBits: 4, digitBits: 2 };
  const seed = randomSeed();
  const nonce = new Uint8Array(randomBytes(16));
  const seen = new Set<string>();
  let rows = 0;
  for (const layer of [0, 1])
    for (const first of [0, 64]) {
      const keys = freshKeys(seed, nonce, layer);
      // The same labels everywhere, as no honest garbler would use them: only keys and tweaks differ.
      const tables = garble(gadget, keys, first, 64, new Uint8Array(16 * 6 * 64));
      for (let at = 3 * 96 * 64; at < tables.length; at += 16, rows++)
        seen.add(String(tables.subarray(at, at + 16)));
    }
  assert.equal(seen.size, rows);
});

test('arrays of a wrong length and chunks of a wrong size are refused', () => {
  const gadget: Gadget = { kind: 'relu', ringBits: 8, dropBits: 4, digitBits: 2 };
  const keys = freshKeys();
  assert.throws(() => garble(gadget, keys, 0, 4, new Uint8Array(16)), { code: 'crypto/input' });
  assert.throws(() => serverLabels(gadget, keys, 0, 4, new Uint32Array(5)), { code: 'crypto/input' });
  const tooMany = GADGET_CHUNK + 1;
  assert.throws(() => serverLabels(gadget, keys, 0, tooMany, new Uint32Array(tooMany)), {
    code: 'crypto/input',
  });
});
