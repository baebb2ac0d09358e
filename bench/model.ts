import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SphynxError } from '../errors/sphynx-error.ts';
import { randomModel, type SphynxShape } from '../fixtures/sphynx-network.ts';
import { loadModel, MANIFEST_FILE } from '../importer/load.ts';
import type { FixedNetwork } from '../model/network.ts';
import { FAMILY_NAMES, familyModel } from './families/family-model.ts';
import { MINIONN_NAMES, minionnModel } from './families/minionn.ts';

/** The folder of the bundled models. */
export const ZOO = join(import.meta.dirname, '..', 'model-zoo');

/**
 * `sphynx:C,D,L1+L2[@SIZE][~LINEAR][^SQUARES]`: channels, cells, reduce cells, side of the image, percent of linear
 * elements and of squares.
 * The cells have the slim form, with `sphynx-paper` the paper's.
 */
const SPHYNX =
  /^sphynx(-paper)?:(\d+),(\d+),(\d+(?:\+\d+)*)(?:@(\d+))?(?:~(\d\d?(?:\.\d+)?))?(?:\^(\d{1,3}(?:\.\d+)?))?$/;

/** Largest C, D and side: more than any network of the papers. */
const MOST = { channels: 100, cells: 50, side: 512 };

/** Classes of the data set whose images have this side. */
const CLASSES: Record<number, number> = { 32: 100, 64: 200, 224: 1000 };

/**
 * Returns the network that MODEL names: one of the zoo, one in a folder written by `sphynx import`, or one with random
 * weights of the Sphynx or another family. Throws 'config/invalid' for another name and the errors of `loadModel`.
 */
export async function benchModel(name: string): Promise<FixedNetwork> {
  const match = SPHYNX.exec(name);
  if (match) return randomModel(sphynxShape(name, match));
  const other = familyModel(name, classesOf) ?? minionnModel(name);
  if (other) return other;
  const folder = /^[\w.-]+$/.test(name) ? join(ZOO, name) : name;
  if (existsSync(join(folder, MANIFEST_FILE))) return loadModel(folder);
  throw new SphynxError(
    'config/invalid',
    `${name} is neither a folder of model-zoo/, nor the path of another one (./NAME), nor sphynx:C,D,L1+L2[@SIZE][~LINEAR][^SQUARES], such as sphynx:5,10,0+5 (sphynx-paper: for the paper's cells), nor ${FAMILY_NAMES}, nor ${MINIONN_NAMES}`,
  );
}

function sphynxShape(
  name: string,
  [, paper, C, D, reduce, side = '32', linear = '0', square = '0']: readonly string[],
): SphynxShape {
  const size = Number(side);
  const shape = { C: Number(C), D: Number(D), reduceAt: reduce.split('+').map(Number), size };
  const sound =
    shape.C >= 1 &&
    shape.C <= MOST.channels &&
    shape.D <= MOST.cells &&
    size <= MOST.side &&
    Number(linear) + Number(square) <= 100 &&
    size % 2 ** (shape.reduceAt.length + (size < 224 ? 0 : 3)) === 0 &&
    shape.reduceAt.every((cell, i) => cell < shape.D && cell > (shape.reduceAt[i - 1] ?? -1));
  if (!sound)
    throw new SphynxError(
      'config/invalid',
      `${name}: reduce cells must ascend below D, and the side must halve at every one of them`,
    );
  const form = paper === undefined ? 'slim' : 'paper';
  return {
    ...shape,
    form,
    classes: classesOf(size),
    linear: Number(linear) / 100,
    square: Number(square) / 100,
  };
}

function classesOf(size: number): number {
  return CLASSES[size] ?? 100;
}
