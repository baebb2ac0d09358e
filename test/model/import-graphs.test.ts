import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importGraph } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { referenceLogits } from '../support/onnx-reference.ts';
import { GRAPH_INPUT, randomGraph } from '../support/random-graph.ts';

/** Graphs with branches that become one layer, which random ones seldom have. */
const MERGING: [seed: number, steps: number][] = [
  [38, 13],
  [81, 13],
  [230, 13],
];

test('random graphs of all operators are imported whole, and agree with the independent runtime', async () => {
  let [cuts, merged] = [0, 0];
  const property = fc.asyncProperty(fc.nat(2 ** 30), fc.integer({ min: 1, max: 14 }), async (seed, steps) => {
    const file = randomGraph(seed, steps);
    const { network, origins } = await importGraph(file);
    cuts += origins.filter((origin) => origin.cuts.length > 0).length;
    merged += network.layers.filter(({ name }) => name.includes(' + ')).length;
    const image = Float32Array.from({ length: 112 }, (_, i) => Math.sin(seed + 7 * i) * 2);
    const logits = new FloatRunner(network).run(image).at(-1)!;
    const expected = await referenceLogits(file, GRAPH_INPUT, image);
    const scale = Math.max(1, ...expected.map(Math.abs));
    for (const [i, value] of expected.entries())
      assert.ok(Math.abs(logits[i] - value) <= 1e-4 * scale, `logit ${i}: ${logits[i]} instead of ${value}`);
  });
  await fc.assert(property, { numRuns: 150, examples: MERGING });
  assert.ok(cuts > 20 && merged > 0, `${cuts} cuts, ${merged} merged layers`);
});
