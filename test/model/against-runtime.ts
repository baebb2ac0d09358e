/** The importer against an independent runtime: support for tests. */
import assert from 'node:assert/strict';
import type { Shape } from '../../model/card.ts';
import { type FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import { importOnnx } from '../../model/import/import-onnx.ts';
import { OnnxBuilder, referenceLogits } from './onnx-builder.ts';

/** Imports the file and compares its logits with an independent runtime's, on a random image. */
export async function agrees(
  build: (b: OnnxBuilder) => string,
  input: Shape = { channels: 3, height: 8, width: 8 },
  seed = 1,
): Promise<FloatNetwork> {
  const builder = new OnnxBuilder(input, seed);
  const file = builder.finish(build(builder));
  const network = await importOnnx(file);
  const image = Float32Array.from(
    { length: input.channels * input.height * input.width },
    () => builder.random() * 4 - 2,
  );
  const logits = new FloatRunner(network).run(image).at(-1)!;
  const expected = await referenceLogits(file, input, image);
  assert.equal(logits.length, expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(logits[i] - value) <= 1e-4 * scale, `logit ${i}: ${logits[i]} instead of ${value}`);
  return network;
}
