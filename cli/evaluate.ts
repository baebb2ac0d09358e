import type { Client } from '../client/index.ts';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { Context } from './command.ts';
import type { DataSetKind, Part } from './datasets/data-set.ts';
import { matchClasses } from './datasets/matching-classes.ts';
import { openDataSet } from './datasets/open-data-set.ts';
import { spread } from './datasets/spread.ts';
import { PlainModel } from './evaluate/plain-model.ts';
import { giveOrTake } from './import/accuracy.ts';
import { type ConnectionOptions, withClient } from './server-connection.ts';
import { StepReport } from './step-report.ts';
import { counted } from './units.ts';

export interface EvaluateOptions extends ConnectionOptions {
  readonly model?: string;
  /** The layout of the pictures; detected by default. */
  readonly dataset?: DataSetKind;
  /** Largest number of pictures. */
  readonly count: number;
  /** The folder of the served model, whose answers in the clear are compared with the private ones. */
  readonly against?: string;
  /** Whether the result is written into that folder. */
  readonly record?: boolean;
}

/** Pictures whose bundles are prepared together, so that few bundles are on the disk at a time. */
const AT_ONCE = 4;

/** A picture of the data set, and the number of its class among the model's labels. */
interface Question {
  readonly index: number;
  readonly label: number;
}

/** The classes of one picture: the right one, and those that were answered. */
interface Answer {
  readonly label: number;
  readonly inPrivate: number;
  /** Undefined unless the model's folder is known. */
  readonly inTheClear?: number;
}

/**
 * `sphynx evaluate PHOTOS`: measures a served model's accuracy in private on pictures whose classes are known, those of
 * the data set's test part if it has one. Unreadable pictures are skipped and counted.
 */
export async function evaluate(
  { output, signal }: Context,
  source: string,
  { dataset, count, against, record = false, ...options }: EvaluateOptions,
): Promise<undefined> {
  if (record && against === undefined)
    throw new SphynxError('config/invalid', '--record writes into the folder of --against: give it too');
  const set = await openDataSet(source, dataset);
  await withClient(options, signal, async (client) => {
    const card = await client.modelCard(options.model, { signal });
    const { numbers, warnings } = matchClasses(set, card);
    if (numbers === null)
      throw new SphynxError(
        'config/invalid',
        warnings[0] ?? `the pictures in ${source} have no classes: put those of each class in a subfolder`,
      );
    for (const warning of warnings) output.note(`sphynx: ${warning}`);
    const plain = against === undefined ? undefined : await PlainModel.load(against, card.hash);
    const part = set.test ?? set.train;
    const questions = spread(questionsOf(part, numbers), count);
    const steps = new StepReport(
      (text) => output.note(text),
      () => signal.throwIfAborted(),
    );
    const done = steps.begin(`classifying with ${card.name}`, questions.length);
    const answers: Answer[] = [];
    for (let first = 0; first < questions.length; first += AT_ONCE) {
      const asked = questions.slice(first, first + AT_ONCE);
      answers.push(...(await ask(client, card.name, part, asked, plain, signal)));
      for (const _ of asked) done();
    }
    if (answers.length === 0) throw new SphynxError('config/invalid', `no picture in ${source} can be read`);
    const result = summary(answers, questions.length);
    if (plain && record) {
      const { images, accuracy, sameClass } = result;
      await plain.record({ images, accuracy, sameClass: sameClass as number });
    }
    output.result({ server: options.server, model: card.name, ...result }, describe(card.name, result));
  });
}

/** Returns the pictures that have one of the model's classes. */
function questionsOf(part: Part, numbers: readonly (number | null)[]): Question[] {
  const questions: Question[] = [];
  for (let index = 0; index < part.count; index++) {
    const number = part.classOf(index);
    const label = number === null ? null : numbers[number];
    if (label !== null) questions.push({ index, label });
  }
  return questions;
}

/** Returns the answers to the readable pictures. Throws the error of an inference that failed. */
async function ask(
  client: Client,
  model: string,
  part: Part,
  questions: readonly Question[],
  plain: PlainModel | undefined,
  signal: AbortSignal,
): Promise<Answer[]> {
  const pictures = questions.map(({ index }) => part.picture(index));
  const outcomes = await client.classifyAll(pictures, { model, topK: 1, prepare: true, signal });
  const answers: Answer[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') {
      const failure = asSphynxError(outcome.reason);
      if (failure.code !== 'image/unreadable') throw failure;
      continue;
    }
    const inTheClear = await plain?.classOf(pictures[i]);
    answers.push({ label: questions[i].label, inPrivate: outcome.value.top[0].index, inTheClear });
  }
  return answers;
}

/** Shares in percent; those of the model in the clear only where it is known. */
function summary(answers: readonly Answer[], asked: number) {
  const images = answers.length;
  const share = (holds: (answer: Answer) => boolean) =>
    Math.round((10_000 * answers.filter(holds).length) / images) / 100;
  const accuracy = share(({ label, inPrivate }) => inPrivate === label);
  const compared = answers[0].inTheClear !== undefined;
  return {
    images,
    skipped: asked - images,
    accuracy,
    giveOrTake: Math.round(100 * giveOrTake(accuracy, images)) / 100,
    inTheClear: compared ? share(({ label, inTheClear }) => inTheClear === label) : undefined,
    sameClass: compared ? share(({ inPrivate, inTheClear }) => inPrivate === inTheClear) : undefined,
  };
}

function describe(model: string, result: ReturnType<typeof summary>): string {
  const { images, skipped, accuracy, inTheClear, sameClass } = result;
  const lines = [
    `${model}: ${accuracy}% of ${counted(images, 'picture')} right in private, give or take ${result.giveOrTake} points`,
  ];
  if (inTheClear !== undefined)
    lines.push(`  ${inTheClear}% in the clear, and the same class for ${sameClass}% of the pictures`);
  if (skipped > 0) lines.push(`  ${counted(skipped, 'picture')} could not be read`);
  return lines.join('\n');
}
