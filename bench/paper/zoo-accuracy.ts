import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Accuracy of a trained model of the zoo (% of its data set's test images). */
export interface ZooAccuracy {
  readonly folder: string;
  readonly float: number;
  /** Accuracy in the integers of private inference; undefined without a plan. */
  readonly fixed?: number;
  /** Method, as in published.ts. */
  readonly method: string;
  readonly dataset: string;
  readonly relus: number;
}

interface Manifest {
  readonly family: string;
  readonly config: {
    readonly channels: number;
    readonly depth?: number;
    readonly reduce?: readonly number[];
    readonly multipliers?: readonly number[];
    /** Form of Sphynx's cells. */
    readonly form?: 'paper' | 'slim';
  };
  readonly dataset: { readonly name: string; readonly imageSize: number };
  readonly relus: number;
  readonly relusBeforeReduction?: number;
  /** Elements that are squared in place of a ReLU; 0 unless given. */
  readonly squares?: number;
  readonly accuracy: { readonly float: number };
}

const METHODS: Readonly<Record<string, string>> = {
  ...{ sphynx: 'Sphynx', 'sphynx-imagenet': 'Sphynx' },
  ...{ resnet18: 'ResNet18', resnet32: 'ResNet32', vgg11: 'VGG11' },
};

const DATASETS: Readonly<Record<string, string>> = {
  ...{ cifar10: 'CIFAR-10', cifar100: 'CIFAR-100', 'tiny-imagenet': 'Tiny-ImageNet', imagenet: 'ImageNet' },
};

/**
 * Returns the accuracies in a folder of models, by the network's name in `benchModel`'s syntax; the best if there are
 * several.
 */
export function zooAccuracies(zoo: string): Map<string, ZooAccuracy> {
  const known = new Map<string, ZooAccuracy>();
  for (const folder of readdirSync(zoo)) {
    const read = (file: string) => JSON.parse(readFileSync(join(zoo, folder, file), 'utf8'));
    if (!existsSync(join(zoo, folder, 'manifest.json'))) continue;
    const manifest: Manifest = read('manifest.json');
    const plan = existsSync(join(zoo, folder, 'fixed-point.json')) ? read('fixed-point.json') : undefined;
    const accuracy = {
      ...{ folder, float: manifest.accuracy.float, fixed: plan?.accuracy.fixed, relus: manifest.relus },
      method: methodOf(manifest),
      dataset: DATASETS[manifest.dataset.name] ?? manifest.dataset.name,
    };
    const name = nameOf(manifest);
    if (accuracy.float > (known.get(name)?.float ?? 0)) known.set(name, accuracy);
  }
  return known;
}

function methodOf({ family, config, relusBeforeReduction, squares }: Manifest): string {
  const slim = family.startsWith('sphynx') && config.form !== 'paper' ? ' (slim)' : '';
  const method =
    family === 'hybrenet' ? `HRN-${config.multipliers?.join('x')}x` : `${METHODS[family] ?? family}${slim}`;
  if (relusBeforeReduction === undefined) return method;
  return squares === undefined ? `SNL on ${method}` : `quadratics on ${method}`;
}

/** `sphynx:5,5,0+1`, `resnet18:64~91.0422`: as in published.ts. */
function nameOf({ family, config, dataset, relus, relusBeforeReduction, squares }: Manifest): string {
  const { channels, depth, reduce = [], multipliers = [] } = config;
  const sphynx = `sphynx${config.form === 'paper' ? '-paper' : ''}:${channels},${depth},${reduce.join('+')}`;
  const numbers: Record<string, string> = {
    sphynx,
    'sphynx-imagenet': sphynx,
    hybrenet: `hrn:${[channels, ...multipliers].join(',')}`,
  };
  const size = dataset.imageSize === 32 ? '' : `@${dataset.imageSize}`;
  const whole = `${numbers[family] ?? `${family}:${channels}`}${size}`;
  if (relusBeforeReduction === undefined) return whole;
  // No name of the bench stands for a part of squares.
  if (squares !== undefined) return `${whole} with ${squares} squares`;
  return `${whole}~${Number((100 * (1 - relus / relusBeforeReduction)).toFixed(4))}`;
}
