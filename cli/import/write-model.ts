import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import { FIXED_POINT_FILE, MANIFEST_FILE, MODEL_FILE } from '../../importer/load.ts';
import type { FixedPointPlan } from '../../model/fixed-point/fixed-point-plan.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { CARD_FILE, WEIGHTS_FILE, writeNetwork } from '../../model/stored-network.ts';
import type { Agreement } from './agreement.ts';
import type { MeasuredAccuracy } from './judge.ts';

/** The contents of a model's folder. */
export interface ImportedModel {
  readonly onnx: Uint8Array;
  readonly facts: ModelFacts;
  readonly plan: FixedPointPlan;
  readonly network: FixedNetwork;
  /** The source of the images of calibration. */
  readonly source: string;
  readonly agreement: Agreement;
  /** Accuracy on labelled inputs; null without. */
  readonly accuracy: MeasuredAccuracy | null;
}

/** Throws 'config/invalid' if the folder already has a model, so that a served model is not replaced by accident. */
export function checkFree(folder: string): void {
  const files = [MANIFEST_FILE, MODEL_FILE, CARD_FILE, WEIGHTS_FILE];
  if (files.some((name) => existsSync(join(folder, name))))
    throw new SphynxError(
      'config/invalid',
      `${folder} already holds a model: choose another folder or remove it`,
    );
}

/**
 * Writes a folder that `sphynx serve --model` serves: the network in integers, and its origin. Throws 'storage/failed'.
 */
export async function writeModel(folder: string, model: ImportedModel): Promise<void> {
  const { onnx, facts, network } = model;
  const { height, width, mean, std } = facts.preprocessing;
  const manifest = {
    name: facts.name,
    family: 'imported',
    inputKind: facts.inputKind,
    head: facts.head,
    dataset: { classes: facts.labels, preprocessing: { resize: [height, width], mean, std } },
    relus: network.card.relus,
    macs: network.card.macs,
    sha256: createHash('sha256').update(onnx).digest('hex'),
  };
  try {
    await mkdir(folder, { recursive: true });
    await writeNetwork(folder, network);
    await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 1)}\n`);
  } catch (cause) {
    throw new SphynxError('storage/failed', `cannot write ${folder}`, { cause });
  }
  await writePlan(folder, model);
}

/**
 * Writes only the scales, into a trainer's folder, which already has the network as it was trained. Throws
 * 'storage/failed'.
 */
export async function writePlan(
  folder: string,
  { plan, source, agreement, accuracy }: ImportedModel,
): Promise<void> {
  const path = join(folder, FIXED_POINT_FILE);
  const fixedPoint = { ...plan, source, agreement, accuracy: accuracy ?? undefined };
  await writeFile(path, `${JSON.stringify(fixedPoint, null, 1)}\n`).catch((cause) => {
    throw new SphynxError('storage/failed', `cannot write ${path}`, { cause });
  });
}
