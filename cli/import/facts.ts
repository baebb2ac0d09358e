import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { SphynxError } from '../../errors/sphynx-error.ts';
import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { FloatNetwork } from '../../model/float-network.ts';
import { MAX_NAME } from '../../model/limits.ts';

/** What an ONNX file does not say about its model. */
export interface FactsOptions {
  readonly name?: string;
  readonly labels?: string;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** The facts of a model, from the options or, where they say nothing, from the file's name and shapes. Throws 'config/invalid'. */
export async function factsOf(
  file: string,
  network: FloatNetwork,
  options: FactsOptions,
): Promise<ModelFacts> {
  const { channels, height, width } = network.input;
  const { mean = new Array<number>(channels).fill(0), std = new Array<number>(channels).fill(1) } = options;
  for (const [option, numbers] of Object.entries({ mean, std }))
    if (numbers.length !== channels)
      throw new SphynxError(
        'config/invalid',
        `--${option}: ${numbers.length} numbers for an image of ${channels} channels`,
      );
  if (std.some((number) => !(number > 0)))
    throw new SphynxError('config/invalid', '--std takes numbers above 0');
  const classes = network.layers[network.layers.length - 1].output.channels;
  const name = options.name ?? nameFrom(file);
  return {
    name,
    labels: await labelsOf(options.labels, classes),
    preprocessing: { height, width, mean, std },
  };
}

/** The file's name as a model's name. */
function nameFrom(file: string): string {
  const plain = basename(file)
    .replace(/\.onnx$/i, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  return plain.replace(/^[^A-Za-z0-9]+/, '').slice(0, MAX_NAME) || 'model';
}

async function labelsOf(file: string | undefined, classes: number): Promise<string[]> {
  if (file === undefined) return Array.from({ length: classes }, (_, i) => `class ${i}`);
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new SphynxError('config/invalid', `cannot read the labels ${file}`, { cause });
  });
  const labels = text.split(/\r?\n/).map((line) => line.trim());
  while (labels.at(-1) === '') labels.pop();
  if (labels.length !== classes)
    throw new SphynxError('config/invalid', `${file}: ${labels.length} lines for ${classes} classes`);
  return labels;
}
