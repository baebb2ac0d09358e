/** A set of pictures on disk, with or without their classes. */

import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { Shape } from '../../model/shape.ts';

/** Layouts that are known. `folder`: picture files, which may lie in a subfolder per class. */
export const DATA_SETS = ['cifar-10', 'cifar-100', 'tiny-imagenet', 'folder'] as const;

export type DataSetKind = (typeof DATA_SETS)[number];

/** How pictures become inputs of a network. */
export type Reader = Pick<ModelFacts, 'name' | 'preprocessing'> & { readonly input: Shape };

/** One part of a data set. */
export interface Part {
  readonly count: number;
  /** Picture `index` as the network takes it, [channels, height, width]. Throws 'image/unreadable' if it cannot be decoded. */
  read(index: number, reader: Reader): Promise<Float32Array>;
  /** The number of its class; null where it has none. */
  classOf(index: number): number | null;
}

export interface DataSet {
  readonly kind: DataSetKind;
  readonly source: string;
  /** Names of the classes, by their numbers; null where pictures have no classes. */
  readonly classes: readonly string[] | null;
  readonly train: Part;
  /** What training has not seen; null where the set has no such part. */
  readonly test: Part | null;
}
