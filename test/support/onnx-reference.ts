/** What an independent runtime computes of an ONNX file. */
import * as ort from 'onnxruntime-web';
import { dimsOf } from '../../model/geometry.ts';
import type { Shape } from '../../model/shape.ts';

/** What onnxruntime-web computes for an image [channels, height, width]. */
export async function referenceLogits(
  file: Uint8Array,
  input: Shape,
  image: Float32Array,
): Promise<Float32Array> {
  return referenceOutputs(file, [1, ...dimsOf(input)], image);
}

/** What onnxruntime-web computes for an input of those sizes. */
export async function referenceOutputs(
  file: Uint8Array,
  dims: readonly number[],
  values: Float32Array,
): Promise<Float32Array> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  try {
    // What nothing reads is asked for all the same.
    const unread = session.inputNames
      .filter((name) => name !== 'image')
      .map((name) => [name, new ort.Tensor('float32', new Float32Array(1), [1])]);
    const image = new ort.Tensor('float32', values, dims);
    const results = await session.run({ ...Object.fromEntries(unread), image });
    return (results[session.outputNames[0]].data as Float32Array).slice();
  } finally {
    await session.release();
  }
}
