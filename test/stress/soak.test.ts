import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { driftOf, leaks, type Sample } from '../../stress/soak/drift.ts';

const TOTAL_MS = 100_000;

/** Samples a second apart. */
function samples(resident: (second: number) => number, descriptors: (second: number) => number): Sample[] {
  return Array.from({ length: 101 }, (_, second) => ({
    ...{ at: 1000 * second, resident: resident(second), descriptors: descriptors(second) },
  }));
}

test('drift compares the first and the last fifth after the warm-up, and spikes do not move it', () => {
  const warmingUp = samples(
    (second) => (second < 20 ? second : second === 30 || second === 90 ? 1e6 : second < 36 ? 100 : 104),
    () => 7,
  );
  const memory = driftOf(warmingUp, TOTAL_MS, 'resident');
  assert.deepEqual([memory.first, memory.last], [100, 104]);
  assert.ok(Math.abs(memory.growth - 0.04) < 1e-12);
  assert.equal(leaks(memory, driftOf(warmingUp, TOTAL_MS, 'descriptors')), false);
});

test('a process that gains 5 percent or more, or descriptors one after another, leaks', () => {
  const rate = fc.double({ min: 0.1, max: 10, noNaN: true });
  fc.assert(
    fc.property(rate, fc.integer({ min: 20, max: 50 }), (slope, base) => {
      const flat = samples(
        () => 1000,
        (second) => base + (second % 2),
      );
      const [memory, descriptors] = (['resident', 'descriptors'] as const).map((what) =>
        driftOf(flat, TOTAL_MS, what),
      );
      assert.equal(leaks(memory, descriptors), false);
      const growing = driftOf(
        samples(
          (second) => 2 ** 20 * (500 + 10 * slope * second),
          () => base,
        ),
        TOTAL_MS,
        'resident',
      );
      assert.equal(leaks(growing, descriptors), growing.last >= 1.05 * growing.first);
      const leaking = driftOf(
        samples(
          () => 1000,
          (second) => base + Math.floor(slope * second),
        ),
        TOTAL_MS,
        'descriptors',
      );
      assert.ok(leaking.last - leaking.first > 3);
      assert.ok(leaks(memory, leaking));
    }),
  );
});

test("variation of an allocator's arenas is not a leak in a small process", () => {
  const descriptors = { first: 5, last: 5, growth: 0 };
  const from = (first: number, last: number) => ({ first, last, growth: last / first - 1 });
  assert.equal(leaks(from(5 * 2 ** 20, 7 * 2 ** 20), descriptors), false);
  assert.equal(leaks(from(5 * 2 ** 20, 8 * 2 ** 20), descriptors), true);
});

test('a run too short for its samples is refused rather than judged', () => {
  const early = samples(
    () => 1,
    () => 1,
  ).slice(0, 50);
  assert.throws(() => driftOf(early, TOTAL_MS, 'resident'), RangeError);
});
