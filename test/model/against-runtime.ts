/** The importer against an independent runtime: support for tests. */
import assert from 'node:assert/strict';
import { importOnnx } from '../../importer/import-onnx.ts';
import { type FloatNetwork, FloatRunner } from '../../model/float-network.ts';
import type { Shape } from '../../model/shape.ts';
import { OnnxBuilder } from '../support/onnx-builder.ts';
import { referenceLogits, referenceOutputs } from '../support/onnx-reference.ts';

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
  assertClose(logits, expected);
  return network;
}

/**
 * The same for an input of the given sizes: the colours of a picture may be its last axis, or several pictures a
 * batch, of which all are the same.
 */
export async function agreesInAnyLayout(
  build: (b: OnnxBuilder) => string,
  sizes: readonly (number | string)[],
  seed = 1,
  opset?: number,
  made?: Uint8Array,
): Promise<FloatNetwork> {
  const builder = new OnnxBuilder({ channels: 1, height: 1, width: 1 }, seed);
  const file = made ?? builder.finish(build(builder), sizes, opset);
  const network = await importOnnx(file);
  const dims = sizes.map((size) => (typeof size === 'number' ? size : 1));
  const { channels, height, width } = network.input;
  const image = Float32Array.from({ length: channels * height * width }, () => builder.random() * 4 - 2);
  const last = dims[1] === height && dims[3] === channels;
  const one = last
    ? image.map((_, i) => image[(i % channels) * height * width + Math.floor(i / channels)])
    : image;
  const batch = new Float32Array(dims[0] * one.length);
  for (let i = 0; i < dims[0]; i++) batch.set(one, i * one.length);
  const expected = await referenceOutputs(file, dims, batch);
  assertClose(new FloatRunner(network).run(image).at(-1)!, expected.subarray(0, expected.length / dims[0]));
  return network;
}

/** Throws where logits differ by more than what rounding of floats explains. */
export function assertClose(logits: Float32Array, expected: Float32Array): void {
  assert.equal(logits.length, expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (const [i, value] of expected.entries())
    assert.ok(Math.abs(logits[i] - value) <= 1e-4 * scale, `logit ${i}: ${logits[i]} instead of ${value}`);
}
