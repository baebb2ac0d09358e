import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ImportedGraph } from '../../importer/import-onnx.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import { headFits, labelCount, type OutputHead } from '../../model/head.ts';
import type { InputKind } from '../../model/input-kind.ts';
import { MAX_NAME, MAX_PREPROCESSING } from '../../model/limits.ts';
import { readTable } from '../values/read-samples.ts';

/** Options for what an ONNX file does not define about its model. */
export interface FactsOptions {
  readonly name?: string;
  readonly labels?: string;
  /** Numbers separated by commas, or a file that contains them. */
  readonly mean?: string;
  readonly std?: string;
  readonly input?: InputKind;
  readonly head?: OutputHead;
}

/**
 * Returns the facts of a model, from the options or, by default, from the file's name, the graph, and the names of the
 * data set's classes if their number fits. Throws 'config/invalid'.
 */
export async function factsOf(
  file: string,
  { network, inputKind, bytes, head }: ImportedGraph,
  options: FactsOptions,
  dataClasses: readonly string[] | null = null,
): Promise<ModelFacts> {
  const { channels, height, width } = network.input;
  const mean = await perChannel('mean', options.mean ?? '0', channels);
  const std = await perChannel(
    'std',
    options.std ?? (inputKind === 'picture' && bytes ? String(1 / 255) : '1'),
    channels,
  );
  if (std.some((number) => !(number > 0)))
    throw new SphynxError('config/invalid', '--std takes numbers above 0');
  if ([...mean, ...std].some((number) => Math.abs(number) > MAX_PREPROCESSING))
    throw new SphynxError('config/invalid', `--mean and --std take numbers up to ${MAX_PREPROCESSING}`);
  if (std.some((number) => number < 1 / MAX_PREPROCESSING))
    throw new SphynxError('config/invalid', `--std takes numbers from ${1 / MAX_PREPROCESSING} on`);
  const outputs = network.layers[network.layers.length - 1].output.channels;
  const chosen = chooseHead(head, outputs, options.head);
  return {
    name: options.name ?? nameFrom(file),
    inputKind,
    head: chosen,
    labels: await labelsOf(options.labels, chosen, labelCount(chosen, outputs), dataClasses),
    preprocessing: { height, width, mean, std },
  };
}

/** Returns the head that the graph defines, or the requested one. */
function chooseHead(
  { head, stated, operators }: ImportedGraph['head'],
  outputs: number,
  wanted: OutputHead = head,
): OutputHead {
  if (stated && wanted !== head)
    throw new SphynxError(
      'config/invalid',
      `--head ${wanted}: the network ends in ${operators.join(' and ')}, whose head is ${head}; leave the option out, or that operator`,
    );
  if (!headFits(wanted, outputs))
    throw new SphynxError(
      'config/invalid',
      `--head ${wanted}: the network has ${outputs} output${outputs === 1 ? '' : 's'}; a softmax needs two or more, a sigmoid one`,
    );
  return wanted;
}

/** Returns one number per channel; a single one applies to all. */
async function perChannel(option: string, text: string, channels: number): Promise<number[]> {
  const listed = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const numbers = listed.every(Number.isFinite) ? listed : Array.from((await readTable(text)).values);
  if (numbers.length === 1) return new Array<number>(channels).fill(numbers[0]);
  if (numbers.length !== channels)
    throw new SphynxError(
      'config/invalid',
      `--${option}: ${numbers.length} numbers for an input of ${channels} channels`,
    );
  return numbers;
}

/** Derives the model's name from the file's name. */
function nameFrom(file: string): string {
  const plain = basename(file)
    .replace(/\.onnx$/i, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return plain.replace(/^[^A-Za-z0-9]+/, '').slice(0, MAX_NAME) || 'model';
}

/** Nouns for labels that no file names. */
const NOUNS = { softmax: 'class', sigmoid: 'class', 'multi-label': 'label', values: 'value' };

async function labelsOf(
  file: string | undefined,
  head: OutputHead,
  count: number,
  dataClasses: readonly string[] | null,
): Promise<readonly string[]> {
  if (file === undefined && dataClasses?.length === count && (head === 'softmax' || head === 'sigmoid'))
    return dataClasses;
  if (file === undefined) return Array.from({ length: count }, (_, i) => `${NOUNS[head]} ${i}`);
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new SphynxError('config/invalid', `cannot read the labels ${file}`, { cause });
  });
  const labels = text.split(/\r?\n/).map((line) => line.trim());
  while (labels.at(-1) === '') labels.pop();
  if (labels.length !== count)
    throw new SphynxError(
      'config/invalid',
      `${file}: ${labels.length} lines for ${count} ${head === 'softmax' ? 'classes' : `labels of the head ${head}`}${head === 'sigmoid' ? ': the class of negative logits first' : ''}`,
    );
  return labels;
}
