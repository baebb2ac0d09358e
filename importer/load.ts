import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../errors/sphynx-error.ts';
import { readPlan } from '../model/fixed-point/plan-file.ts';
import { type ModelFacts, quantizeNetwork } from '../model/fixed-point/quantize.ts';
import type { FloatNetwork } from '../model/float-network.ts';
import { headFits, labelCount } from '../model/head.ts';
import { readManifest } from '../model/manifest.ts';
import type { FixedNetwork } from '../model/network.ts';
import { readNetwork, WEIGHTS_FILE } from '../model/stored-network.ts';
import { importOnnx } from './import-onnx.ts';

/** Files of a model's folder. */
export const MODEL_FILE = 'model.onnx';
export const MANIFEST_FILE = 'manifest.json';
export const FIXED_POINT_FILE = 'fixed-point.json';

/**
 * The network of a folder, in integers: as `sphynx import` stored it, or composed from the file and the plan of a folder
 * of the model zoo. Throws 'model/format' if a file is missing, broken or does
 * not belong to the others, 'model/unsupported' if the protocol cannot run the network.
 */
export async function loadModel(folder: string): Promise<FixedNetwork> {
  if (existsSync(join(folder, WEIGHTS_FILE))) return readNetwork(folder);
  const { network, facts } = await loadFloat(folder);
  const plan = readPlan(
    await readJson(folder, FIXED_POINT_FILE, '`sphynx import FOLDER --images DATA --out FOLDER` writes it'),
  );
  return quantizeNetwork(network, plan, facts);
}

/** The network of a folder as it was trained, with its facts; no fixed-point plan is needed. Throws as `loadModel`. */
export async function loadFloat(
  folder: string,
): Promise<{ network: FloatNetwork; facts: ModelFacts; onnx: Uint8Array }> {
  const manifest = await readJson(folder, MANIFEST_FILE, 'a model folder holds model.onnx and manifest.json');
  const onnx = await readBytes(folder, MODEL_FILE, 'a model folder holds model.onnx and manifest.json');
  const { facts, sha256 } = readManifest(manifest);
  const actual = createHash('sha256').update(onnx).digest('hex');
  if (actual !== sha256)
    throw new SphynxError(
      'model/format',
      `${join(folder, MODEL_FILE)} is not the file of the manifest: its SHA-256 is ${actual}, not ${sha256}`,
    );
  const network = await importOnnx(onnx, { inputKind: facts.inputKind });
  const outputs = network.layers[network.layers.length - 1].output.channels;
  if (!headFits(facts.head, outputs) || facts.labels.length !== labelCount(facts.head, outputs))
    throw new SphynxError(
      'model/format',
      `${folder}: ${facts.labels.length} labels for ${outputs} logits and the head ${facts.head}`,
    );
  return { network, facts, onnx };
}

async function readJson(folder: string, file: string, remedy: string): Promise<unknown> {
  const bytes = await readBytes(folder, file, remedy);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SphynxError('model/format', `${join(folder, file)} is not JSON`, { cause });
  }
}

async function readBytes(folder: string, file: string, remedy: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(join(folder, file)));
  } catch (cause) {
    throw new SphynxError('model/format', `cannot read ${join(folder, file)}: ${remedy}`, { cause });
  }
}
