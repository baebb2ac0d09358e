import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  allKeyCounters,
  allKeyInputs,
  colourSentKeys,
  DIGIT_ROW_BYTES,
  evaluateDigit,
  garbleDigit,
  sentKeyCounters,
} from '../../kernels/digit-tables.ts';
import { inWorkspace, place, randomBlocks, sigma, toBlocks } from '../support/block-reference.ts';

const COLOURS = [0n, 1n, 2n, 3n];
const elements = (count: number) => Array.from({ length: count }, (_, e) => e);
/** Bits 2 * digit and the next of an element's permutation block. */
const permutationOf = (block: bigint, digit: number) => (block >> BigInt(2 * digit)) & 3n;

test('all keys: the counters are 4 * index + colour, the hashed keys carry their colour, the tweak is the index', () => {
  fc.assert(
    fc.property(place, ({ count, first }) => {
      const keys = randomBlocks(4 * count);
      inWorkspace(({ put, room }) => {
        const counters = room(4 * count);
        allKeyCounters(counters, count, first);
        assert.deepEqual(
          toBlocks(counters),
          COLOURS.flatMap((colour) => elements(count).map((e) => 4n * BigInt(first + e) + colour)),
        );
        const inputs = room(4 * count);
        allKeyInputs(put(keys), inputs, count, first);
        assert.deepEqual(
          toBlocks(inputs),
          keys.map((key, i) => {
            const coloured = (key & ~3n) | BigInt(Math.floor(i / count));
            return sigma(coloured) ^ BigInt(first + (i % count));
          }),
        );
      });
    }),
  );
});

test('sent keys: only the counter of the digit, permuted, is made, and its key gets its colour', () => {
  fc.assert(
    fc.property(place, fc.nat(9), ({ count, first }, digit) => {
      const permutations = randomBlocks(count);
      const shares = randomBlocks(count).map((block) => Number(block & 0xffffffffn));
      const keys = randomBlocks(count);
      const colours = shares.map(
        (share, e) => BigInt((share >>> (2 * digit)) & 3) ^ permutationOf(permutations[e], digit),
      );
      inWorkspace(({ memory, put, room }) => {
        const words = memory.u32(count);
        words.set(shares);
        const counters = room(count);
        sentKeyCounters(words, 2 * digit, put(permutations), digit, counters, first);
        assert.deepEqual(
          toBlocks(counters),
          colours.map((colour, e) => 4n * BigInt(first + e) + colour),
        );
        const sent = put(keys);
        colourSentKeys(sent, counters, count);
        assert.deepEqual(
          toBlocks(sent),
          keys.map((key, e) => (key & ~3n) | colours[e]),
        );
      });
    }),
  );
});

test('every key opens the labels of its digit value, by the rows of the plain formula', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(9), (count, digit) => {
      const delta = randomBlocks(1)[0] | 1n;
      const permutations = randomBlocks(count);
      const hashes = [randomBlocks(4 * count), randomBlocks(4 * count)];
      inWorkspace(({ put, room }) => {
        const rows = room((DIGIT_ROW_BYTES / 16) * count);
        const zero = [room(count), room(count)] as const;
        const inputs = randomBlocks(4 * count);
        const ciphers = hashes.map((plane) => plane.map((hash, i) => hash ^ inputs[i]));
        garbleDigit(
          put(inputs),
          [put(ciphers[0]), put(ciphers[1])],
          put(permutations),
          digit,
          put([delta]),
          rows,
          zero,
          count,
        );
        const zeroLabels = zero.map(toBlocks);
        const table = toBlocks(rows);
        for (const colour of COLOURS) {
          const plane = (wire: number) =>
            hashes[wire].slice(Number(colour) * count, (Number(colour) + 1) * count);
          const value = (e: number) => colour ^ permutationOf(permutations[e], digit);
          const label = (wire: number, e: number) =>
            zeroLabels[wire][e] ^ (((value(e) >> BigInt(wire)) & 1n) * delta);
          for (const wire of [0, 1])
            for (const e of elements(count)) {
              const row = colour === 0n ? 0n : table[6 * e + 2 * (Number(colour) - 1) + wire];
              assert.equal(row ^ plane(wire)[e], label(wire, e));
            }
          const keys = put(randomBlocks(count).map((key) => (key & ~3n) | colour));
          const held = inputs.slice(Number(colour) * count, (Number(colour) + 1) * count);
          const cipher = (wire: number) => put(plane(wire).map((hash, e) => hash ^ held[e]));
          const opened = [cipher(0), cipher(1)] as const;
          evaluateDigit(keys, put(held), opened, rows, count);
          for (const wire of [0, 1])
            assert.deepEqual(
              toBlocks(opened[wire]),
              elements(count).map((e) => label(wire, e)),
            );
        }
      });
    }),
  );
});
