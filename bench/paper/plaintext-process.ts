/** The plaintext baseline: `plaintext-process.ts MODEL`, driven over IPC by `party.ts`. */

import { randomImage } from '../../fixtures/random-image.ts';
import { FloatRuntime } from '../../importer/float-runtime.ts';
import { dimsOf } from '../../model/geometry.ts';
import { benchModel } from '../model.ts';
import { answerParent } from '../party.ts';
import { onnxOf } from './onnx.ts';

const network = await benchModel(process.argv[2]);
const runtime = await FloatRuntime.create(onnxOf(network), dimsOf(network.card.input));
const image = Float32Array.from(randomImage(network, 1));
answerParent(
  {},
  {
    /** Times `count` inferences (ms). */
    time: async (count: number): Promise<number[]> => {
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await runtime.logits(image);
        times.push(performance.now() - start);
      }
      return times;
    },
  },
  async () => {},
);
