import { classifierOf, itself, type Path, termOf, then } from '../../fixtures/layer-paths.ts';
import type { LayerShape, Shape } from '../../model/shape.ts';

/** Channels of every convolution of VGG11 (Simonyan and Zisserman, ICLR 2015) over the first one's; a pool after each stage. */
const STAGES = [[1], [2], [4, 4], [8, 8], [8, 8]];

/** The linear layers for images of `size`, averaging where VGG pools; `hidden`: widths of its hidden layers. */
export function vgg11Layers(
  channels: number,
  size: number,
  classes: number,
  hidden: readonly number[],
): LayerShape[] {
  const layers: LayerShape[] = [];
  const add = (name: string, output: Shape, path: Path): number =>
    layers.push({ name, output, terms: [termOf(path)] });
  let x = itself(0, size);
  for (const [stage, factors] of STAGES.entries()) {
    if (stage > 0) x = then(x, 2, 2, 0);
    for (const factor of factors) {
      const path = then(x, 3, 1, 1);
      const { side } = path;
      const output = { channels: factor * channels, height: side, width: side };
      x = itself(add(`convolution-${layers.length + 1}`, output, path), side);
    }
  }
  if (hidden.length === 0) return [...layers, classifierOf(layers.length, classes)];
  x = then(x, 2, 2, 0);
  for (const [i, width] of [...hidden, classes].entries()) {
    const name = i < hidden.length ? `hidden-${i + 1}` : 'classifier';
    const covering = then(x, x.side, 1, 0);
    x = itself(add(name, { channels: width, height: 1, width: 1 }, covering), 1);
  }
  return layers;
}
