import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { importGraph } from '../../importer/import-onnx.ts';
import { FloatRunner } from '../../model/float-network.ts';
import { anyGraph } from '../../stress/import-fuzz/any-graph.ts';
import { referenceOutputs } from '../support/onnx-reference.ts';
import { assertClose } from './against-runtime.ts';

test('graphs of all that exports write, in random combination, give the logits of the independent runtime', async () => {
  let [imported, refused] = [0, 0];
  const reasons = new Map<string, number>();
  const property = fc.asyncProperty(fc.nat(2 ** 30), fc.integer({ min: 1, max: 12 }), async (seed, steps) => {
    const { file, dims, channelsLast } = anyGraph(seed, steps);
    const image = Float32Array.from({ length: 48 }, (_, i) => Math.sin(seed + 7 * i) * 2);
    const one = channelsLast ? image.map((_, i) => image[(i % 2) * 24 + Math.floor(i / 2)]) : image;
    const batch = new Float32Array(48 * dims[0]);
    for (let i = 0; i < dims[0]; i++) batch.set(one, 48 * i);
    const found = await importGraph(file).catch((error: unknown) => {
      if (!(error instanceof SphynxError && error.code === 'model/unsupported')) throw error;
      reasons.set(error.message, (reasons.get(error.message) ?? 0) + 1);
      return null;
    });
    if (!found) {
      refused++;
      return;
    }
    imported++;
    assert.deepEqual(found.network.input, { channels: 2, height: 6, width: 4 });
    const expected = await referenceOutputs(file, dims, batch);
    assertClose(new FloatRunner(found.network).run(image).at(-1)!, expected.subarray(0, 3));
  });
  await fc.assert(property, { numRuns: Number(process.env.RUNS || 120) });
  assert.ok(
    imported > 0 && refused <= 0.2 * imported,
    `${refused} of ${imported + refused} refused: ${[...reasons.keys()].join('\n')}`,
  );
});
