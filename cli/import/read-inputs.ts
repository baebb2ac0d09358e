import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { FloatNetwork } from '../../model/float-network.ts';
import { countMacs } from '../../model/geometry.ts';
import type { InputKind } from '../../model/input-kind.ts';
import type { DataSet, DataSetKind } from '../datasets/data-set.ts';
import { openDataSet } from '../datasets/open-data-set.ts';
import { type Calibration, FEW_INPUTS, randomCalibration, readNumbers, readPictures } from './calibration.ts';

export interface InputOptions {
  /** A folder of pictures or a data set, or files of numbers. */
  readonly images?: string;
  /** The layout of `images`; detected by default. */
  readonly dataset?: DataSetKind;
  readonly random?: boolean;
  /** Largest number of inputs to calibrate on. Default: as many as take about half a minute. */
  readonly count?: number;
  /** Largest number of test inputs, for data sets that have them. Default: as `count`. */
  readonly test?: number;
}

/** Default limits: number of inputs, and products of all of them together, which take about half of half a minute. */
const MOST_INPUTS = 150;
const AFFORDABLE_MACS = 3e10;

/** Throws 'config/invalid' unless inputs are given in exactly one way. */
export function checkInputs({ images, random, dataset }: InputOptions): void {
  if ((images === undefined) === (random !== true))
    throw new SphynxError('config/invalid', 'give --images FOLDER, or --random if you have no inputs');
  if (dataset !== undefined && images === undefined)
    throw new SphynxError(
      'config/invalid',
      '--dataset describes the layout of --images: give that folder too',
    );
}

/** Opens the given pictures; null for random inputs and for numbers. Throws 'config/invalid'. */
export async function openPictures(
  kind: InputKind,
  { images, dataset }: InputOptions,
): Promise<DataSet | null> {
  if (images === undefined) return null;
  if (kind === 'picture') return openDataSet(images, dataset);
  if (dataset !== undefined)
    throw new SphynxError(
      'config/invalid',
      `--dataset ${dataset} holds pictures, but this network takes none`,
    );
  return null;
}

/** Reads the inputs to calibrate on and those of a data set's test part, which is null if there is none. */
export async function readInputs(
  network: FloatNetwork,
  facts: ModelFacts,
  pictures: DataSet | null,
  options: InputOptions,
): Promise<{ calibration: Calibration; test: Calibration | null }> {
  const { input } = network;
  const most = options.count ?? affordable(network);
  if (options.images === undefined) return { calibration: randomCalibration(facts, input, most), test: null };
  if (pictures === null)
    return { calibration: await readNumbers(options.images, facts, input, most), test: null };
  const { train, test, source } = pictures;
  const reader = { ...facts, input };
  return {
    calibration: await readPictures(train, source, reader, most),
    test: test && (await readPictures(test, source, reader, options.test ?? most)),
  };
}

function affordable(network: FloatNetwork): number {
  return Math.min(MOST_INPUTS, Math.max(FEW_INPUTS, Math.round(AFFORDABLE_MACS / countMacs(network))));
}
