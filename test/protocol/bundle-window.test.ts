import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernels } from '../../kernels/load.ts';
import type { BundleSource } from '../../protocol/bundle.ts';
import { BundleWindow } from '../../protocol/bundle-window.ts';
import { makePlan, storedBytes } from '../../protocol/plan.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

const plan = makePlan(randomSmallNetwork(15, 2, 0.3).card);
const largest = Math.max(...plan.layers.flatMap(({ chunks }) => chunks.map(storedBytes)));

/** Each read gives bytes of the next number. */
function counting(): BundleSource {
  let reads = 0;
  return {
    read(target) {
      target.fill(++reads);
    },
  };
}

test('inferences at once have rooms of their own, which those after them use again', () => {
  // A window holds one chunk at least: so many rooms do not fit into the memory.
  const rounds = Math.ceil(kernels().memory.buffer.byteLength / largest);
  for (let round = 0; round < rounds; round++) {
    const windows = [0, 1, 2].map(() => new BundleWindow(counting(), plan));
    const chunks = windows.map((window) => {
      window.enter(plan.layers[0]);
      return window.next();
    });
    assert.equal(new Set(chunks.map(({ tables }) => tables.byteOffset)).size, 3);
    assert.ok(chunks.every(({ tables }) => tables[0] === 1));
    for (const window of windows) window.close();
  }
});
