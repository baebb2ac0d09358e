import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Shape } from '../../model/card.ts';
import { FloatRuntime } from '../../model/float-runtime.ts';

/** Largest error of the composed network's logits, relative to the largest logit, that rounding of floats explains. */
const LARGEST_ERROR = 1e-3;

/**
 * Holds the composed network's logits of the images against onnxruntime's. Throws 'model/unsupported' if they
 * differ; where onnxruntime-web is not installed the composed network stands for itself.
 */
export async function runReference(
  onnx: Uint8Array,
  input: Shape,
  images: readonly Float32Array[],
  logits: readonly Float32Array[],
  softmax: boolean,
): Promise<{ reference: string; importError: number | null }> {
  const runtime = await FloatRuntime.create(onnx, input).catch((error: unknown) => {
    if (error instanceof SphynxError && error.code === 'config/invalid') return null;
    throw new SphynxError(
      'model/unsupported',
      'onnxruntime cannot load this file; check how it was exported',
      {
        cause: error,
      },
    );
  });
  if (!runtime) return { reference: 'floats', importError: null };
  let [largest, error] = [0, 0];
  for (const [i, image] of images.entries()) {
    const expected = await runtime.logits(image);
    const own = softmax ? probabilities(logits[i], expected) : logits[i];
    for (const [c, value] of expected.entries()) {
      largest = Math.max(largest, Math.abs(value));
      error = Math.max(error, Math.abs(own[c] - value));
    }
  }
  if (!(error <= LARGEST_ERROR * largest))
    throw new SphynxError(
      'model/unsupported',
      `the composed network gives other logits than onnxruntime: they differ by ${error.toPrecision(2)} where the largest is ${largest.toPrecision(2)}; please report this model`,
    );
  return { reference: 'onnxruntime', importError: largest > 0 ? error / largest : 0 };
}

/** Softmax of the logits, or its logarithm if that is what is expected. */
function probabilities(logits: Float32Array, expected: Float32Array): Float32Array {
  const top = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  const logarithm = expected.some((value) => value < 0);
  return logits.map((logit) => (logarithm ? logit - top - Math.log(sum) : Math.exp(logit - top) / sum));
}
