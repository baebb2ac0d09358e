import type { ModelFacts } from '../../model/fixed-point/quantize.ts';
import type { DataSet } from './data-set.ts';

/** The matching of a data set's classes to the network's. */
export interface ClassMatch {
  /** The network's class by the data set's numbers; null if pictures have no classes or other ones than the network. */
  readonly numbers: readonly (number | null)[] | null;
  /** Warnings for people. */
  readonly warnings: readonly string[];
}

/** Matches classes by their names or, if the names differ but the number agrees, by their order. */
export function matchClasses(
  { classes, source }: DataSet,
  { head, labels }: Pick<ModelFacts, 'head' | 'labels'>,
): ClassMatch {
  const none = (...warnings: string[]): ClassMatch => ({ numbers: null, warnings });
  if (classes === null) return none();
  if (head !== 'softmax' && head !== 'sigmoid')
    return none(
      `${source} has classes, but the network's outputs (${head}) are not classes: accuracy is not measured`,
    );
  const known = new Map(labels.map((label, number) => [plain(label), number]));
  const numbers = classes.map((name) => known.get(plain(name)) ?? null);
  const unknown = classes.filter((_, i) => numbers[i] === null);
  if (unknown.length === 0) return { numbers, warnings: [] };
  const example = `such as ${JSON.stringify(unknown[0])}`;
  if (classes.length !== labels.length)
    return none(
      `the classes do not match: ${source} has ${classes.length}, ${unknown.length} of which (${example}) are not among the network's ${labels.length}; accuracy is not measured`,
    );
  const warning = `the classes of ${source} have other names than the network's (${example}): they are matched in order`;
  return { numbers: classes.map((_, number) => number), warnings: isNamed(labels) ? [warning] : [] };
}

/** Whether the classes have names: without `--labels` they are numbered. */
function isNamed(labels: readonly string[]): boolean {
  return labels.some((label, i) => label !== `class ${i}`);
}

/** Normalises names, so that different spellings compare equal. */
function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/g, ' ');
}
