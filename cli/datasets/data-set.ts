/** A set of pictures on disk, with or without their classes. */

import type { ImageInput } from '../../client/image.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { Shape } from '../../model/shape.ts';

/** Known layouts. `folder`: picture files, optionally in one subfolder per class. */
export const DATA_SETS = ['cifar-10', 'cifar-100', 'tiny-imagenet', 'folder'] as const;

export type DataSetKind = (typeof DATA_SETS)[number];

/** Describes how pictures become inputs of a network. */
export type Reader = Pick<ModelFacts, 'name' | 'preprocessing'> & { readonly input: Shape };

/** One part of a data set. */
export interface Part {
  readonly count: number;
  /**
   * Returns picture `index` as the network takes it, [channels, height, width]. Throws 'image/unreadable' if it cannot
   * be decoded.
   */
  read(index: number, reader: Reader): Promise<Float32Array>;
  /** Returns picture `index` as it is, for a client. */
  picture(index: number): ImageInput;
  /** Returns the number of a picture's class; null if it has none. */
  classOf(index: number): number | null;
}

export interface DataSet {
  readonly kind: DataSetKind;
  readonly source: string;
  /** Names of the classes, by their numbers; null if pictures have no classes. */
  readonly classes: readonly string[] | null;
  readonly train: Part;
  /** The test part, which training has not seen; null if the set has none. */
  readonly test: Part | null;
}
