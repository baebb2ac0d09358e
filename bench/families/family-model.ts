import { randomNetwork } from '../../fixtures/random-network.ts';
import type { FixedNetwork } from '../../model/network.ts';
import type { LayerShape } from '../../model/shape.ts';
import { hybReNet, residualLayers, resnet18, resnet32 } from './residual.ts';
import { vgg11Layers } from './vgg.ts';

/** Syntax of the names that `familyModel` knows, for people. */
export const FAMILY_NAMES = 'resnet18:C, resnet32:C, vgg11:C or hrn:C,A,B,G [@SIZE][~LINEAR]';

type Layers = (numbers: readonly number[], size: number, classes: number) => LayerShape[];

/**
 * For each family, the number of parameters in its name, and its layers. The first number is the channels of the first
 * layer.
 */
const FAMILIES: Record<string, { readonly numbers: number; readonly layers: Layers }> = {
  resnet18: { numbers: 1, layers: ([C], ...image) => residualLayers(resnet18(C), ...image) },
  resnet32: { numbers: 1, layers: ([C], ...image) => residualLayers(resnet32(C), ...image) },
  hrn: { numbers: 4, layers: ([C, ...factors], ...image) => residualLayers(hybReNet(C, factors), ...image) },
  // ImageNet's has two hidden layers of 4,096: with them its ReLUs are those of the Sphynx paper's table 16.
  vgg11: {
    numbers: 1,
    layers: ([C], size, classes) => vgg11Layers(C, size, classes, size < 224 ? [] : [4096, 4096]),
  },
};

const NAME = /^(\w+):(\d{1,3}(?:,\d)*)(?:@(\d{1,3}))?(?:~(\d\d?(?:\.\d+)?))?$/;

/** All families halve their maps at most five times. */
const SIDES = 32;

/**
 * Returns the network with random weights for a name such as `resnet18:64@64~90`, where the last number is the
 * percentage of its elements without a ReLU; undefined for other names. `classesOf`: classes of the data set whose
 * images have this side.
 */
export function familyModel(name: string, classesOf: (size: number) => number): FixedNetwork | undefined {
  const [, family, list, side = '32', linear = '0'] = NAME.exec(name) ?? [];
  const known = Object.hasOwn(FAMILIES, family ?? '') ? FAMILIES[family] : undefined;
  const numbers = (list ?? '').split(',').map(Number);
  const size = Number(side);
  if (numbers.length !== known?.numbers || numbers.includes(0) || size === 0 || size % SIDES !== 0)
    return undefined;
  const layers = known.layers(numbers, size, classesOf(size));
  const input = { channels: 3, height: size, width: size };
  return randomNetwork(`random-${name.replaceAll(/[:,@~]/g, '-')}`, input, layers, 1, {
    linear: Number(linear) / 100,
  });
}
