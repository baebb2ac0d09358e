import { classifierOf, itself, type Path, termOf, then } from '../../fixtures/layer-paths.ts';
import type { LayerShape } from '../../model/shape.ts';

/** Residual networks of basic blocks (He et al., CVPR 2016), as the trainer's networks/resnet.py exports them. */
export interface ResidualPlan {
  /** Channels of each stage; the stem has those of the first. */
  readonly widths: readonly number[];
  /** Blocks of each stage; all stages but the first halve the map. */
  readonly blocks: readonly number[];
}

/**
 * Smallest side of images for which the network has ImageNet's stem: 7x7 with stride 2, and an average pool after its
 * ReLU.
 */
const LARGE_IMAGE = 128;

export function resnet18(channels: number): ResidualPlan {
  return { widths: [1, 2, 4, 8].map((factor) => factor * channels), blocks: [2, 2, 2, 2] };
}

export function resnet32(channels: number): ResidualPlan {
  return { widths: [1, 2, 4].map((factor) => factor * channels), blocks: [5, 5, 5] };
}

/** ResNet18 with other multipliers between its stages (DeepReShape, Jha and Reagen). */
export function hybReNet(channels: number, multipliers: readonly number[]): ResidualPlan {
  const widths = [channels];
  for (const factor of multipliers) widths.push(factor * widths[widths.length - 1]);
  return { widths, blocks: [2, 2, 2, 2] };
}

/** The linear layers for images of `size`, every one of them as one convolution per tensor that it reads. */
export function residualLayers(
  { widths, blocks }: ResidualPlan,
  size: number,
  classes: number,
): LayerShape[] {
  const layers: LayerShape[] = [];
  const add = (name: string, channels: number, paths: readonly Path[]): Path => {
    const { side } = paths[0];
    layers.push({ name, output: { channels, height: side, width: side }, terms: paths.map(termOf) });
    return itself(layers.length, side);
  };
  const large = size >= LARGE_IMAGE;
  let x = add('stem', widths[0], [large ? then(itself(0, size), 7, 2, 3) : then(itself(0, size), 3, 1, 1)]);
  if (large) x = then(x, 2, 2, 0);
  for (const [stage, count] of blocks.entries())
    for (let block = 0; block < count; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const name = `stage-${stage + 1}-block-${block + 1}`;
      const inner = add(`${name}-a`, widths[stage], [then(x, 3, stride, 1)]);
      // A shortcut without a convolution is one with an identity kernel.
      x = add(`${name}-b`, widths[stage], [then(inner, 3, 1, 1), then(x, 1, stride, 0)]);
    }
  return [...layers, classifierOf(layers.length, classes)];
}
