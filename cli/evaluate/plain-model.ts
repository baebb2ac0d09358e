import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClassifyInput } from '../../client/input.ts';
import { scoresOf } from '../../client/scores.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { FIXED_POINT_FILE, loadModel } from '../../importer/load-model.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { logitsInTheClear } from '../logits-in-the-clear.ts';

/** What is written about an evaluation in private (percent). */
export interface PrivateAccuracy {
  readonly images: number;
  readonly accuracy: number;
  /** Share of the pictures to which the plain network gives the same class. */
  readonly sameClass: number;
}

/** A model in its folder, run in the clear. */
export class PlainModel {
  readonly #folder: string;
  readonly #network: FixedNetwork;

  private constructor(folder: string, network: FixedNetwork) {
    this.#folder = folder;
    this.#network = network;
  }

  /** Loads a folder. Throws 'config/invalid' unless its model has this hash, and the errors of `loadModel`. */
  static async load(folder: string, hash: string): Promise<PlainModel> {
    const network = await loadModel(folder);
    if (network.card.hash !== hash)
      throw new SphynxError(
        'config/invalid',
        `${folder} holds another model than the server: serve it with \`sphynx serve --model ${folder}\``,
      );
    return new PlainModel(folder, network);
  }

  /** Returns the number of the class that the integer executor gives. */
  async classOf(input: ClassifyInput): Promise<number> {
    const logits = await logitsInTheClear(this.#network, input);
    return scoresOf(this.#network.card, logits, 1)[0].index;
  }

  /** Writes an accuracy into the folder's fixed-point file, which is replaced in one step. Throws 'storage/failed'. */
  async record(accuracy: PrivateAccuracy): Promise<void> {
    const path = join(this.#folder, FIXED_POINT_FILE);
    try {
      const plan = JSON.parse(await readFile(path, 'utf8'));
      const content = { ...plan, accuracy: { ...plan.accuracy, private: accuracy } };
      await writeFile(`${path}.partial`, `${JSON.stringify(content, null, 1)}\n`);
      await rename(`${path}.partial`, path);
    } catch (cause) {
      throw new SphynxError('storage/failed', `cannot write ${path}`, { cause });
    }
  }
}
