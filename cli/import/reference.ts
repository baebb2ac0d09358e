import { SphynxError } from '../../errors/sphynx-error.ts';
import { runtimeReason } from '../../importer/constant-evaluator.ts';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import type { RuntimeModel } from '../../importer/runtime-model.ts';
import { isRounding, type LargestLayer } from '../../model/lost-digits.ts';

/**
 * Largest error of the composed network's logits, relative to the largest logit, that can be due to rounding of floats.
 */
const LARGEST_ERROR = 1e-3;
/** The same if the runtime itself rounds to 16 bits, whose precision is 1e-3. */
const LARGEST_ERROR_HALF = 3e-2;

/**
 * The runtime's errors for files that may be valid: unknown versions, operators without an implementation for their
 * element type, or too little memory.
 */
const CANNOT_TELL = /IR version|opset|could not find an implementation|bad_alloc|memory|out of bounds/i;

/** Result of the comparison. */
export interface Reference {
  /** What the network is compared with. */
  readonly reference: string;
  /** The importer's own largest error relative to it; null if it is the importer. */
  readonly importError: number | null;
  /** Why it was not compared; null if it was. */
  readonly notCompared: string | null;
}

/**
 * Compares the composed network's logits of the images with onnxruntime's. Throws 'model/unsupported' if they differ or
 * the runtime finds the file invalid. If the runtime does not support the file's version, the composed network is its
 * own reference.
 *
 * @param widest the layer with the largest values
 */
export async function runReference(
  model: RuntimeModel,
  images: readonly Float32Array[],
  logits: readonly Float32Array[],
  widest: LargestLayer,
): Promise<Reference> {
  const expected: Float32Array[] = [];
  try {
    const runtime = await FloatRuntime.create(model.encode(), model.dims, model.order);
    for (const image of images) expected.push(await runtime.logits(image));
  } catch (cause) {
    const reason = runtimeReason(cause instanceof Error ? cause.message : String(cause));
    if (CANNOT_TELL.test(reason)) return { reference: 'floats', importError: null, notCompared: reason };
    throw new SphynxError('model/unsupported', `onnxruntime cannot run this file: ${reason}`, { cause });
  }
  let [largest, error] = [0, 0];
  for (const [i, values] of expected.entries()) {
    if (values.length !== logits[i].length)
      throw new SphynxError(
        'model/unsupported',
        `the composed network has ${logits[i].length} outputs, and onnxruntime gives ${values.length}; please report this model`,
      );
    for (const [c, value] of values.entries()) {
      largest = Math.max(largest, Math.abs(value));
      error = Math.max(error, Math.abs(logits[i][c] - value));
    }
  }
  const exact = error <= (model.half ? LARGEST_ERROR_HALF : LARGEST_ERROR) * largest;
  if (!exact && isRounding(error, widest))
    throw new SphynxError(
      'model/unsupported',
      `the values of layer ${widest.name} reach ${widest.value.toPrecision(2)}, so large that the digits on which the outputs depend are lost, such as the bounds of a Clip: check --mean, --std and the weights of that layer, and write constants that stand for infinity, such as -1e9, no larger than the values beside them`,
    );
  if (!exact)
    throw new SphynxError(
      'model/unsupported',
      `the composed network gives other logits than onnxruntime: they differ by ${error.toPrecision(2)}, and the largest is ${largest.toPrecision(2)}; please report this model`,
    );
  return { reference: 'onnxruntime', importError: largest > 0 ? error / largest : 0, notCompared: null };
}
