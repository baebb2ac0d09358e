import type { Classification, ModelCard, Score } from '../../client/index.ts';
import { elementsOf } from '../../model/geometry.ts';
import { figureOf } from '../scores.ts';
import { bytes, duration, whole } from '../units.ts';

/** One image's outcome, as `npm run demo -- --json` prints it. Times in ms, bytes in both directions. */
export interface DemoImage {
  readonly name: string;
  readonly top: readonly Score[];
  readonly matchesPlaintext: boolean;
  readonly offlineMs: number;
  readonly onlineMs: number;
  readonly offlineBytes: number;
  readonly onlineBytes: number;
  readonly rounds: number;
}

export function demoImage(name: string, result: Classification, matchesPlaintext: boolean): DemoImage {
  const { offline, online } = result.bytes;
  return {
    name,
    top: result.top,
    matchesPlaintext,
    offlineMs: Math.round(result.timings.offlineMs),
    onlineMs: Math.round(result.timings.onlineMs),
    offlineBytes: offline.up + offline.down,
    onlineBytes: online.up + online.down,
    rounds: result.rounds,
  };
}

/** Describes one image in a few lines. */
export function describeImage(image: DemoImage): string {
  const classes = image.top.map((score) => `${score.label} ${figureOf(score) ?? ''}`.trim()).join(', ');
  const match = image.matchesPlaintext
    ? 'equals the plaintext result'
    : 'DOES NOT EQUAL the plaintext result';
  return [
    `${image.name}: ${classes}`,
    `  ${match}`,
    `  offline ${duration(image.offlineMs)}, ${bytes(image.offlineBytes)}; online ${duration(image.onlineMs)}, ${bytes(image.onlineBytes)}, ${image.rounds} rounds`,
  ].join('\n');
}

/** Describes what the server received, in numbers of this run. */
export function describeView(card: ModelCard, results: readonly Classification[]): string {
  const values = card.input.channels * card.input.height * card.input.width;
  const activations = card.layers.slice(0, -1).reduce((sum, { output }) => sum + elementsOf(output), 0);
  const received = results.reduce((sum, { bytes: moved }) => sum + moved.online.up, 0);
  const noun = card.inputKind === 'picture' ? 'image' : 'input';
  const count = `${whole(results.length)} ${noun}${results.length === 1 ? '' : 's'}`;
  return [
    `What the server received about ${count}: ${whole(received)} bytes.${noun === 'image' ? ' (Bundles were prepared before any image was read.)' : ''}`,
    `Per ${noun} these are ${whole(values)} ${noun === 'image' ? 'pixel ' : ''}values and ${whole(activations)} activations, each minus a random number`,
    'of 32 bits that never left this process and is used once: shares, which by themselves are random noise.',
    `It never had a ${noun === 'image' ? 'pixel' : 'value'}, an activation, a logit or a label.`,
  ].join('\n');
}
