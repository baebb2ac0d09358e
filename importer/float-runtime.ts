import * as ort from 'onnxruntime-web';

/** An independent runtime for ONNX files (onnxruntime-web, one thread): the float reference. */
export class FloatRuntime {
  readonly #run: (image: Float32Array) => Promise<Float32Array>;

  private constructor(run: (image: Float32Array) => Promise<Float32Array>) {
    this.#run = run;
  }

  /**
   * Loads a file with one input and one output. A batch of several images is filled with copies of one.
   *
   * @param dims sizes of one input in the file, without the batch
   * @param order for each element of the file's input its index in the image, if they differ
   */
  static async create(onnx: Uint8Array, dims: readonly number[], order?: Int32Array): Promise<FloatRuntime> {
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 4 });
    const [input] = session.inputMetadata;
    const [output] = session.outputNames;
    const first = input.isTensor ? input.shape[0] : 1;
    const batch = typeof first === 'number' && first > 0 ? first : 1;
    const type = input.isTensor && input.type.startsWith('float') ? input.type : 'float32';
    return new FloatRuntime(async (image) => {
      const one = order ? Float32Array.from(order, (place) => image[place]) : image;
      const all = new Float32Array(batch * one.length);
      for (let i = 0; i < batch; i++) all.set(one, i * one.length);
      const sizes = [batch, ...dims];
      const results = await session.run(
        { [input.name]: inputTensor(type, all, sizes) },
        { logSeverityLevel: 4 },
      );
      const { data } = results[output];
      return Float32Array.from(data as Float32Array, Number).slice(0, data.length / batch);
    });
  }

  /** Returns the outputs for a normalised input of those sizes. */
  logits(image: Float32Array): Promise<Float32Array> {
    return this.#run(image);
  }
}

function inputTensor(type: string, data: Float32Array, dims: readonly number[]): ort.Tensor {
  if (type === 'float64') return new ort.Tensor('float64', Float64Array.from(data), dims);
  // The runtime's types lack this array type, which it accepts.
  if (type === 'float16')
    return new ort.Tensor('float16', Float16Array.from(data) as unknown as Uint16Array, dims);
  return new ort.Tensor('float32', data, dims);
}
