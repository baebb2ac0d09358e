/**
 * A worker thread that computes constants with onnxruntime, so that a file which takes too many resources affects only
 * this thread.
 */
import * as ort from 'onnxruntime-web';
import { answerCalls } from '../platform/node/thread.ts';

export interface ComputedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: string;
  readonly bytes: Uint8Array;
}

export type EvaluationAnswer = { readonly tensors: readonly ComputedTensor[] } | { readonly error: string };

export interface ConstantCalls {
  /** Evaluates an encoded model without inputs; returns its outputs. */
  evaluate: { given: Uint8Array; result: EvaluationAnswer };
}

ort.env.wasm.numThreads = 1;
answerCalls<ConstantCalls>({ evaluate });

async function evaluate(model: Uint8Array): Promise<EvaluationAnswer> {
  let session: ort.InferenceSession | undefined;
  try {
    session = await ort.InferenceSession.create(model, {
      logSeverityLevel: 4,
      graphOptimizationLevel: 'disabled',
    });
    const results = await session.run({}, { logSeverityLevel: 4 });
    return { tensors: Object.entries(results).map(([name, tensor]) => computed(name, tensor)) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  } finally {
    await session?.release();
  }
}

function computed(name: string, { dims, type, data }: ort.Tensor): ComputedTensor {
  if (!ArrayBuffer.isView(data))
    throw new Error(`${name} is computed as ${type}, which is not a number type`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return { name, dims, type, bytes };
}
