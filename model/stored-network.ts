import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SphynxError } from '../errors/sphynx-error.ts';
import { parseModelCard } from './card.ts';
import { elementsOf, termWeights } from './geometry.ts';
import { type FixedNetwork, type LayerWeights, networkHash } from './network.ts';

/** A network in integers on disk, so that the results of an import are not computed again at every start. */

export const CARD_FILE = 'card.json';
export const WEIGHTS_FILE = 'weights.bin';

/** Writes the card and the weights: the length of every layer's bias, then all kernels and biases, as little-endian words. */
export async function writeNetwork(folder: string, { card, layers }: FixedNetwork): Promise<void> {
  const lengths = Int32Array.from(layers, ({ bias }) => bias.length);
  const arrays = [lengths, ...layers.flatMap(({ kernels, bias }) => [...kernels, bias])];
  const file = await open(join(folder, WEIGHTS_FILE), 'wx');
  try {
    for (const array of arrays)
      await file.writeFile(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  } finally {
    await file.close();
  }
  await writeFile(join(folder, CARD_FILE), `${JSON.stringify(card, null, 1)}\n`);
}

/** Reads a written network. Throws 'model/format' if it is incomplete. */
export async function readNetwork(folder: string): Promise<FixedNetwork> {
  const broken = (what: string, cause?: unknown) =>
    new SphynxError('model/format', `${folder}: ${what}: import the model again`, { cause });
  const [text, file] = await Promise.all(
    [CARD_FILE, WEIGHTS_FILE].map((name) => readFile(join(folder, name))),
  ).catch((cause) => {
    throw broken(`${CARD_FILE} and ${WEIGHTS_FILE} cannot be read`, cause);
  });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw broken(`${CARD_FILE} is not JSON`, cause);
  }
  const card = parseModelCard(json);
  const aligned = file.byteOffset % 4 === 0 ? file : new Uint8Array(file);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, Math.floor(aligned.length / 4));
  const lengths = words.subarray(0, card.layers.length);
  const sizes = card.layers.map(({ terms, output }, l) => {
    if (lengths[l] !== output.channels && lengths[l] !== elementsOf(output))
      throw broken(`${WEIGHTS_FILE} has a bias of ${lengths[l]} for layer ${l}`);
    return [...terms.map((_, t) => termWeights(card, l, t)), lengths[l]];
  });
  const total = sizes.flat().reduce((sum, size) => sum + size, lengths.length);
  if (file.length !== 4 * total)
    throw broken(`${WEIGHTS_FILE} has ${file.length} bytes and not ${4 * total}`);
  let at = lengths.length;
  const layers = sizes.map((own): LayerWeights => {
    const arrays = own.map((size) => {
      at += size;
      return words.subarray(at - size, at);
    });
    return { kernels: arrays.slice(0, -1), bias: arrays[arrays.length - 1] };
  });
  if (networkHash(card, layers) !== card.hash) throw broken(`${WEIGHTS_FILE} is not that of the card`);
  return { card, layers };
}
