/** Computes the constant parts of a graph, with onnxruntime in a separate thread. */
import onnxProto from 'onnx-proto';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import { Thread, threadFile } from '../platform/node/thread.ts';
import type { ConstantCalls, EvaluationAnswer } from './constant-worker.ts';
import { OnnxConstant } from './onnx-constant.ts';

/** Time limit (ms): sizes and masks take milliseconds, weights a few seconds per hundred megabytes. */
const TIME_MS = 8000;
const TIME_MS_PER_MEGABYTE = 200;
/**
 * Limit on the growth of the process meanwhile (bytes): far more than sizes and masks need, with room to convert
 * weights.
 */
const MEMORY_BYTES = 2 ** 30;
const MEMORY_PER_BYTE = 16;
const WATCH_MS = 50;

const { ModelProto, TensorProto } = onnxProto.onnx;
const TYPES: Record<string, number> = {
  float32: TensorProto.DataType.FLOAT,
  float64: TensorProto.DataType.DOUBLE,
  float16: TensorProto.DataType.FLOAT16,
  bool: TensorProto.DataType.BOOL,
  uint8: TensorProto.DataType.UINT8,
  int8: TensorProto.DataType.INT8,
  uint16: TensorProto.DataType.UINT16,
  int16: TensorProto.DataType.INT16,
  int32: TensorProto.DataType.INT32,
  uint32: TensorProto.DataType.UINT32,
  int64: TensorProto.DataType.INT64,
  uint64: TensorProto.DataType.UINT64,
};

let runtime: Thread<ConstantCalls> | undefined;
let queue: Promise<unknown> = Promise.resolve();

/**
 * Computes the outputs of a model without inputs. Throws 'model/unsupported' with the runtime's message, or if it takes
 * more time or memory than constants need.
 */
export async function evaluateConstants(
  model: onnxProto.onnx.IModelProto,
): Promise<Map<string, OnnxConstant>> {
  const bytes = ModelProto.encode(model).finish();
  const answer = queue.then(() => ask(bytes));
  queue = answer.catch(() => {});
  const result = await answer;
  if ('error' in result)
    throw new SphynxError(
      'model/unsupported',
      `onnxruntime cannot compute its constants: ${runtimeReason(result.error)}`,
    );
  return new Map(
    result.tensors.map(({ name, dims, type, bytes: rawData }) => {
      if (TYPES[type] === undefined)
        throw new SphynxError('model/unsupported', `the constant ${JSON.stringify(name)} is of type ${type}`);
      return [name, new OnnxConstant({ name, dims: [...dims], dataType: TYPES[type], rawData })];
    }),
  );
}

/** Returns the runtime's message without the location in its source. */
export function runtimeReason(message: string): string {
  const [, reason] = /ERROR_MESSAGE:\s*(.*)$/s.exec(message) ?? [null, message];
  const plain = reason.replace(/^\/\S+:\d+ [^:]*(?:::[^:]*)*\) (?=\S)/, '').trim();
  return plain.split('\n')[0].slice(0, MAX_REASON);
}

const ENDED = 'the runtime ended, as it does when memory runs out';

/** Longest quoted message of the runtime (characters). */
const MAX_REASON = 300;

async function ask(model: Uint8Array): Promise<EvaluationAnswer> {
  runtime ??= new Thread(threadFile(import.meta.url, './constant-worker'));
  const thread = runtime;
  thread.hold(true);
  const megabytes = model.length / 2 ** 20;
  const before = process.memoryUsage.rss();
  const stopped = Promise.withResolvers<EvaluationAnswer>();
  const stop = (error: string) => {
    runtime = undefined;
    stopped.resolve({ error });
    void thread.stop();
  };
  const limits = {
    ms: TIME_MS + TIME_MS_PER_MEGABYTE * megabytes,
    bytes: MEMORY_BYTES + MEMORY_PER_BYTE * model.length,
  };
  const deadline = setTimeout(() => stop(`it takes more than ${Math.round(limits.ms / 1000)} s`), limits.ms);
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() - before > limits.bytes)
      stop(`it takes more than ${Math.round(limits.bytes / 2 ** 20)} MB of memory`);
  }, WATCH_MS);
  const answer = thread.call('evaluate', model).catch((failure) => {
    if (!thread.alive) runtime = undefined;
    const { cause } = asSphynxError(failure);
    return { error: cause instanceof Error ? cause.message : ENDED };
  });
  try {
    return await Promise.race([stopped.promise, answer]);
  } finally {
    clearTimeout(deadline);
    clearInterval(watch);
    // The thread does not keep the process alive.
    thread.hold(false);
  }
}
