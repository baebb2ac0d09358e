import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a trained model of the zoo is right on (% of its data set's test images). */
export interface ZooAccuracy {
  readonly folder: string;
  readonly float: number;
  /** In private inference's integers; undefined without a plan. */
  readonly fixed?: number;
}

interface Manifest {
  readonly family: string;
  readonly config: {
    readonly channels: number;
    readonly depth?: number;
    readonly reduce?: readonly number[];
    readonly multipliers?: readonly number[];
  };
  readonly dataset: { readonly imageSize: number };
  readonly relus: number;
  readonly relusBeforeReduction?: number;
  readonly accuracy: { readonly float: number };
}

/** Accuracies in a folder of models, by the network's name in `benchModel`'s syntax; the best where there are several. */
export function zooAccuracies(zoo: string): Map<string, ZooAccuracy> {
  const known = new Map<string, ZooAccuracy>();
  for (const folder of readdirSync(zoo)) {
    const read = (file: string) => JSON.parse(readFileSync(join(zoo, folder, file), 'utf8'));
    if (!existsSync(join(zoo, folder, 'manifest.json'))) continue;
    const manifest: Manifest = read('manifest.json');
    const plan = existsSync(join(zoo, folder, 'fixed-point.json')) ? read('fixed-point.json') : undefined;
    const accuracy = { folder, float: manifest.accuracy.float, fixed: plan?.accuracy.fixed };
    const name = nameOf(manifest);
    if (accuracy.float > (known.get(name)?.float ?? 0)) known.set(name, accuracy);
  }
  return known;
}

/** `sphynx:5,5,0+1`, `resnet18:64~91.0422`: as in published.ts. */
function nameOf({ family, config, dataset, relus, relusBeforeReduction }: Manifest): string {
  const { channels, depth, reduce = [], multipliers = [] } = config;
  const numbers: Record<string, string> = {
    sphynx: `sphynx:${channels},${depth},${reduce.join('+')}`,
    'sphynx-imagenet': `sphynx:${channels},${depth},${reduce.join('+')}`,
    hybrenet: `hrn:${[channels, ...multipliers].join(',')}`,
  };
  const size = dataset.imageSize === 32 ? '' : `@${dataset.imageSize}`;
  const linear =
    relusBeforeReduction === undefined
      ? ''
      : `~${Number((100 * (1 - relus / relusBeforeReduction)).toFixed(4))}`;
  return `${numbers[family] ?? `${family}:${channels}`}${size}${linear}`;
}
