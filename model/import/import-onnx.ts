import { SphynxError } from '../../errors/sphynx-error.ts';
import type { FloatNetwork } from '../float-network.ts';
import { chooseCuts } from './choose-cuts.ts';
import { withoutFinalSoftmax } from './final-softmax.ts';
import { finishLayers } from './finish-layers.ts';
import { readOnnx } from './onnx.ts';
import { poolFirst } from './pool-first.ts';

/**
 * The network in an ONNX file, every run of linear operators between two layers of gadgets composed into one.
 * Throws 'model/format' on a broken file and 'model/unsupported' with all nodes that cannot be run.
 */
export function importOnnx(bytes: Uint8Array): FloatNetwork {
  const graph = poolFirst(withoutFinalSoftmax(readOnnx(bytes)));
  const { layers, problems } = chooseCuts(graph);
  if (problems.length > 0)
    throw new SphynxError(
      'model/unsupported',
      `this network cannot be run privately:\n${problems.join('\n')}`,
    );
  return { input: graph.input, layers: finishLayers(layers) };
}
