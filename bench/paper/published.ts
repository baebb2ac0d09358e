/** Published figures: the networks to measure for comparison, and the points to draw beside ours. */

/** The machine of the Sphynx paper's latencies (section 6). */
export const SPHYNX_MACHINE = 'Intel Core i9-10900X, 3.7 GHz, 64 GB; DELPHI, 2021';

export type Dataset = 'CIFAR-10' | 'CIFAR-100' | 'Tiny-ImageNet' | 'ImageNet';

/** A row of a table. */
export interface Published {
  /** Paper and table in which it is printed. */
  readonly source: string;
  readonly method: string;
  readonly dataset: Dataset;
  /** ReLUs in thousands, as printed. */
  readonly kiloRelus?: number;
  /** Top-1 (%). */
  readonly accuracy?: number;
  /** Trained with a teacher. */
  readonly distilled?: boolean;
  /** Online (ms), on SPHYNX_MACHINE. */
  readonly onlineMs?: number;
  /** The paper computed its latency from others: it could not run the network. */
  readonly estimated?: boolean;
  /** The network in `benchModel`'s syntax, if it is known; it is measured with random weights. */
  readonly model?: string;
}

type Figures = readonly [
  kiloRelus: number | undefined,
  accuracy: number | undefined,
  onlineMs: number | undefined,
  model?: string,
];

function rows(source: string, method: string, dataset: Dataset, figures: readonly Figures[]): Published[] {
  return figures.map(([kiloRelus, accuracy, onlineMs, model]) => ({
    ...{ source, method, dataset, kiloRelus, accuracy, onlineMs, model },
  }));
}

const TABLE_3 = 'Sphynx, table 3';
const TABLE_4 = 'Sphynx, table 4';
const TABLE_15 = 'Sphynx, table 15';
const TABLE_16 = 'Sphynx, table 16';

/** Sphynx networks in the paper's form. Channels, cells and the places of reduce cells are those of table 16. */
const SPHYNX: readonly Published[] = [
  ...rows(TABLE_3, 'Sphynx', 'CIFAR-100', [
    [25.6, 66.13, 727, 'sphynx-paper:5,5,0+1'],
    // 32 * 32 * 5 * 6 are 30.7K.
    [30.2, 67.37, 861, 'sphynx-paper:5,6,0+1'],
    [41.0, 68.23, 1105, 'sphynx-paper:5,8,1+3'],
    [51.2, 69.57, 1335, 'sphynx-paper:5,10,0+5'],
    [71.7, 71.06, 1805, 'sphynx-paper:7,10,0+5'],
    [102.4, 72.9, 2385, 'sphynx-paper:10,10,0+5'],
    [230, 74.93, 5120, 'sphynx-paper:15,15,2+6'],
  ]),
  ...rows(TABLE_4, 'Sphynx', 'Tiny-ImageNet', [
    [102.4, 48.44, 2350, 'sphynx-paper:5,5,0+1@64'],
    [204.8, 53.51, 4401, 'sphynx-paper:5,10,0+5@64'],
    [286.7, 56.72, 6140, 'sphynx-paper:7,10,0+5@64'],
    // Table 16 leaves these two out; their channels follow from their ReLUs.
    [491.5, 59.12, 10_205, 'sphynx-paper:12,10,0+5@64'],
    [614.4, 60.76, 12_548, 'sphynx-paper:15,10,0+5@64'],
  ]),
  ...rows(TABLE_16, 'Sphynx', 'Tiny-ImageNet', [[819.2, undefined, undefined, 'sphynx-paper:20,10,0+5@64']]),
  ...rows(TABLE_4, 'Sphynx', 'ImageNet', [
    [345, 51.85, 7340, 'sphynx-paper:20,10,1+5@224'],
    [517, 57.72, 10_980, 'sphynx-paper:30,10,1+5@224'],
    // C = 50 and 60: collapsed, they have more weights than a card may claim (model/limits.ts).
    [862, 64.43, 18_340],
    [1034, 66.0, 22_020],
  ]).map((row) => ({ ...row, estimated: true })),
  ...rows(TABLE_16, 'Sphynx', 'ImageNet', [
    [172, undefined, undefined, 'sphynx-paper:10,10,1+5@224'],
    [690, undefined, undefined, 'sphynx-paper:40,10,1+5@224'],
  ]),
];

/** The same networks with our slim cells, for which there are no published figures. */
const SLIM: readonly Published[] = SPHYNX.flatMap(({ dataset, model }) =>
  model
    ? [{ source: 'here', method: 'Sphynx (slim)', dataset, model: model.replace('sphynx-paper', 'sphynx') }]
    : [],
);

/** Networks that are measured and, without a model, points of methods whose networks are not printed. */
export const PUBLISHED: readonly Published[] = [
  ...SPHYNX,
  ...SLIM,
  ...rows(TABLE_4, 'ResNet18', 'Tiny-ImageNet', [[2228.2, 61.28, undefined, 'resnet18:64@64']]),
  ...[
    ...rows(TABLE_4, 'ResNet18', 'ImageNet', [
      [288.4, 31.93, 6060, 'resnet18:8@224'],
      [577, 47.09, 12_120, 'resnet18:16@224'],
      [1154, 60.15, 24_225, 'resnet18:32@224'],
    ]),
    ...rows(TABLE_4, 'VGG11', 'ImageNet', [
      [470, 39.68, 9870, 'vgg11:4@224'],
      [940, 49.76, 19_740, 'vgg11:8@224'],
    ]),
  ].map((row) => ({ ...row, estimated: true })),
  ...rows('SNL', 'SNL on ResNet18', 'CIFAR-100', [[49.9, 73.75, undefined, 'resnet18:64~91.0422']]),
  ...rows('SNL', 'ResNet18', 'CIFAR-100', [[557, undefined, undefined, 'resnet18:64']]),
  ...rows('DELPHI', 'ResNet32', 'CIFAR-100', [[303, undefined, undefined, 'resnet32:16']]),
  // The accuracies are those that the authors state for their published networks.
  ...[
    ['MiniONN', 84.8, 'minionn:0'] as const,
    ['MiniONN, 3 of 7 quadratic', undefined, 'minionn:3'] as const,
    ['MiniONN, 5 of 7 quadratic', undefined, 'minionn:5'] as const,
    ['MiniONN, 6 of 7 quadratic', undefined, 'minionn:6'] as const,
    ['MiniONN, all quadratic', 82.95, 'minionn:7'] as const,
  ].flatMap(([name, accuracy, model]) =>
    rows('DELPHI', name, 'CIFAR-10', [[undefined, accuracy, undefined, model]]),
  ),
  ...rows('Simonyan and Zisserman', 'VGG11', 'CIFAR-100', [[undefined, undefined, undefined, 'vgg11:64']]),
  ...[
    ['HRN-5x5x3x', 'hrn:8,5,5,3'],
    ['HRN-5x7x2x', 'hrn:8,5,7,2'],
    ['HRN-6x6x2x', 'hrn:8,6,6,2'],
    ['HRN-7x5x2x', 'hrn:8,7,5,2'],
  ].flatMap(([name, model]) =>
    rows('DeepReShape', name, 'CIFAR-100', [[undefined, undefined, undefined, model]]),
  ),
  ...rows(TABLE_3, 'DeepReDuce', 'CIFAR-100', [
    [24.6, 66.0, 579],
    [49.2, 67.8, 1190],
  ]),
  ...rows(TABLE_3, 'CryptoNAS', 'CIFAR-100', [
    [50, 63.6, 1670],
    [86, 68.13, 2000],
    [100, 68.3, 2300],
    [344, 75.64, 7500],
  ]),
  ...rows(TABLE_3, 'DELPHI', 'CIFAR-100', [
    [50, 66.0, 1230],
    [180, 67.0, 4440],
    [300, 68.0, 6500],
  ]),
  ...[
    ...rows(TABLE_15, 'DeepReDuce, distilled', 'CIFAR-100', [
      [24.6, 68.41, 579],
      [28.7, 68.7, 738],
      [49.2, 71.1, 1190],
      [57.3, 72.68, 1350],
    ]),
    ...rows(TABLE_15, 'Sphynx, distilled', 'CIFAR-100', [
      [25.6, 68.4, 727],
      [31.2, 70.21, 861],
      [41.0, 71.57, 1114],
      [51.2, 72.85, 1335],
    ]),
  ].map((row) => ({ ...row, distilled: true })),
];
