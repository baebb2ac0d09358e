import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeClient } from '../../../crypto/he/client.ts';
import { planHe } from '../../../crypto/he/packing.ts';
import {
  DEGREE,
  INPUT_CIPHERTEXT_BYTES,
  outputCiphertextBytes,
  PUBLIC_KEY_BYTES,
  RESIDUES_BYTES,
  SEED_BYTES,
} from '../../../crypto/he/parameters.ts';
import type { HeLayer, HeShape } from '../../../crypto/he/plan.ts';
import { outputPositions } from '../../../crypto/he/positions.ts';
import { newResidues } from '../../../crypto/he/ring.ts';
import { HeServer } from '../../../crypto/he/server.ts';
import { writeResidues } from '../../../crypto/he/wire.ts';
import { bytesToWords } from '../../../crypto/ring.ts';
import { kernels } from '../../../kernels/load.ts';
import { networks } from './geometry.ts';

const seed = new Uint8Array(randomBytes(16));
const client = new HeClient(seed);
const server = new HeServer(seed, client.publicKey);

const randomWords = (length: number) => new Uint32Array(new Uint8Array(randomBytes(4 * length)).buffer);

/** A plan with one layer over one tensor. */
function plan(tensor: HeShape, output: HeShape, kernel: number) {
  const pad = (kernel - 1) / 2;
  const term = {
    tensor: 0,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideY: 1,
    strideX: 1,
    padTop: pad,
    padLeft: pad,
    groups: 1,
  };
  const layer: HeLayer = { output, terms: [term] };
  const { tensors, layers } = planHe([tensor], [layer]);
  return { packing: tensors[0], part: layers[0].parts[0] };
}

/** Four maps of 32 x 32 fill a polynomial, so every coefficient carries an output. */
const full = plan({ channels: 1, height: 32, width: 32 }, { channels: 4, height: 32, width: 32 }, 1);

/** Chi-square of the bytes of words against uniform, in standard deviations above its mean. */
function unevenness(words: Uint32Array): number {
  const counts = new Float64Array(1024);
  for (const word of words)
    for (let byte = 0; byte < 4; byte++) counts[256 * byte + ((word >>> (8 * byte)) & 255)]++;
  const expected = words.length / 256;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return (chiSquare - 1020) / Math.sqrt(2 * 1020);
}

/** In standard deviations: chance crosses it less than once in 1e13 runs, structure at once. */
const LIMIT = 10;

/** Bits that two polynomials share, in standard deviations from a half. */
function likeness(left: Uint32Array, right: Uint32Array): number {
  let equal = 0;
  for (const [i, word] of left.entries())
    for (let rest = ~(word ^ right[i]); rest !== 0; rest &= rest - 1) equal++;
  return (equal - 16 * left.length) / Math.sqrt(8 * left.length);
}

test('a returned ciphertext holds c1 and the coefficients of c0 that carry outputs, nothing else', () => {
  fc.assert(
    fc.property(networks(9, 6), ({ tensors, layers }) => {
      for (const [l, { parts }] of planHe(tensors, layers).layers.entries()) {
        const { channels, height, width } = layers[l].output;
        for (const part of parts) {
          let bytes = 0;
          let outputs = 0;
          for (let index = 0; index < part.ciphertexts; index++) {
            const { coefficients } = outputPositions(part, index);
            assert.equal(new Set(coefficients).size, coefficients.length);
            assert.ok(coefficients.every((coefficient) => coefficient < DEGREE));
            bytes += 4 * (DEGREE + coefficients.length);
            outputs += coefficients.length;
          }
          assert.equal(outputs, channels * height * width);
          assert.equal(bytes, part.bytes);
        }
      }
    }),
  );
});

test('nothing of a returned ciphertext repeats when the same product is returned again under another mask', () => {
  const { packing, part } = full;
  const input = server.loadTensor(packing, client.encryptTensor(packing, randomWords(1024)));
  const weights = new Int32Array(4).fill(7);
  const [a, b] = [0, 1].map(() =>
    bytesToWords(server.evaluatePart(part, [weights], [input], randomWords(4096))),
  );
  assert.equal(4 * a.length, outputCiphertextBytes(4096));
  for (const [from, to] of [
    [0, DEGREE],
    [DEGREE, a.length],
  ])
    assert.ok(Math.abs(likeness(a.subarray(from, to), b.subarray(from, to))) < LIMIT);
});

test('the mask hides the outputs: with weights of 0 the client gets the mask and an error', () => {
  const shape = { channels: 2, height: 3, width: 3 };
  const { packing, part } = plan(shape, shape, 1);
  const input = server.loadTensor(packing, client.encryptTensor(packing, randomWords(18)));
  const mask = randomWords(18);
  const share = client.decryptPart(part, server.evaluatePart(part, [new Int32Array(4)], [input], mask));
  assert.ok(share.every((word, i) => Math.abs((word - mask[i]) | 0) < 160));
});

test('the same weights and inputs, masks that differ by a number: c0 is shifted by it, and depends on nothing else', () => {
  const secret = new Uint8Array(32).fill(5);
  const { packing, part } = full;
  const values = randomWords(1024);
  const wire = client.encryptTensor(packing, values);
  const mask = randomWords(4096);
  const [a, b] = [0, 0x80000001].map((shift) => {
    const twin = new HeServer(seed, client.publicKey, undefined, secret);
    const input = twin.loadTensor(packing, wire);
    const shifted = mask.map((word) => word + shift);
    return bytesToWords(twin.evaluatePart(part, [Int32Array.of(3, -5, 7, 0)], [input], shifted));
  });
  assert.deepEqual(a.subarray(0, DEGREE), b.subarray(0, DEGREE));
  assert.deepEqual(
    a.subarray(DEGREE).map((word) => word + 0x80000001),
    b.subarray(DEGREE),
  );
});

/** The ciphertext of a tensor, as a client can make it without encrypting anything. */
function forge(fill: (words: Uint32Array, prime: number) => void): Uint8Array {
  return kernels().memory.scope(() => {
    const wire = new Uint8Array(SEED_BYTES + INPUT_CIPHERTEXT_BYTES);
    const c0 = newResidues();
    for (const [i, words] of c0.entries()) {
      words.fill(0);
      fill(words, i);
    }
    writeResidues(c0, wire.subarray(SEED_BYTES));
    return wire;
  });
}

/** What a cheating client sends: the first three read weights off under version 1 of the protocol. */
const FORGERIES: Record<string, (words: Uint32Array, prime: number) => void> = {
  'nothing but zeros': () => {},
  'the constant 1': (words) => words.fill(1),
  'a multiple of Q / 2^13, which lifts every weight over the rounding': (words, prime) =>
    words.fill([12345678, 87654321][prime]),
  'one transformed word': (words) => {
    words[0] = 1;
  },
  'the largest words': (words, prime) => words.fill([134111232, 134176768][prime]),
};

for (const [what, fill] of Object.entries(FORGERIES))
  test(`a client that sends ${what}, with a public key of zeros, sees uniform words that do not tell weights apart`, () => {
    const { part, packing } = full;
    const forger = new HeServer(seed, new Uint8Array(PUBLIC_KEY_BYTES));
    const input = forger.loadTensor(packing, forge(fill));
    const runs = 30;
    const returned = (weights: Int32Array) => {
      const answers = Array.from({ length: runs }, () =>
        bytesToWords(forger.evaluatePart(part, [weights], [input], randomWords(4096))),
      );
      const all = (from: number) =>
        Uint32Array.from(answers.flatMap((a) => [...a.subarray(from, from + DEGREE)]));
      return { c0: all(DEGREE), c1: all(0) };
    };
    const [small, large] = [returned(Int32Array.of(0, 0, 0, 1)), returned(Int32Array.of(4095, -4096, 77, 2))];
    for (const half of ['c0', 'c1'] as const) {
      for (const { [half]: words } of [small, large])
        assert.ok(unevenness(words) < LIMIT, `${half} is not uniform: ${unevenness(words)}`);
      assert.ok(Math.abs(likeness(small[half], large[half])) < LIMIT);
      // Nor do two answers to the same question repeat anything.
      assert.ok(
        Math.abs(likeness(small[half].subarray(0, DEGREE), small[half].subarray(DEGREE, 2 * DEGREE))) < LIMIT,
      );
    }
  });

test('what a client sends looks uniform: c0, the seeds and the public key', () => {
  const { packing } = full;
  const low: number[] = [];
  const collect = (bytes: Uint8Array) => {
    for (let at = 0; at + 4 <= bytes.length; at += 4) low.push(new DataView(bytes.buffer).getUint32(at));
  };
  for (let i = 0; i < 20; i++) {
    collect(client.encryptTensor(packing, new Uint32Array(1024)));
    collect(new HeClient(seed).publicKey);
  }
  // The primes are just below 2^27, so packed words are nearly uniform bits: by less than 2^-10 of each top bit.
  assert.ok(unevenness(Uint32Array.from(low)) < LIMIT);
  assert.equal(RESIDUES_BYTES * 2, PUBLIC_KEY_BYTES);
});
