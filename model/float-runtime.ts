import { SphynxError } from '../errors/sphynx-error.ts';
import type { Shape } from './card.ts';

/** An independent runtime for ONNX files (onnxruntime-web, one thread): the float reference. */
export class FloatRuntime {
  readonly #run: (image: Float32Array) => Promise<Float32Array>;

  private constructor(run: (image: Float32Array) => Promise<Float32Array>) {
    this.#run = run;
  }

  /** Throws 'config/invalid' where the runtime is not installed: it is a development dependency. */
  static async create(onnx: Uint8Array, { channels, height, width }: Shape): Promise<FloatRuntime> {
    const ort = await import('onnxruntime-web').catch((cause) => {
      throw new SphynxError(
        'config/invalid',
        'planning needs onnxruntime-web: run it in a checkout after `npm ci`',
        { cause },
      );
    });
    ort.env.wasm.numThreads = 1;
    const session = await ort.InferenceSession.create(onnx, { logSeverityLevel: 3 });
    const [input] = session.inputNames;
    const [output] = session.outputNames;
    return new FloatRuntime(async (image) => {
      const tensor = new ort.Tensor('float32', image, [1, channels, height, width]);
      const results = await session.run({ [input]: tensor });
      return results[output].data as Float32Array;
    });
  }

  /** Logits of a normalised image [channels, height, width]. */
  logits(image: Float32Array): Promise<Float32Array> {
    return this.#run(image);
  }
}
