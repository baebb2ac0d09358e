import { Fields } from './fields.ts';
import type { ModelFacts } from './fixed-point/quantize.ts';
import { HEADS } from './head.ts';
import { INPUT_KINDS } from './input-kind.ts';
import { MAX_CHANNELS, MAX_LABEL, MAX_NAME, MAX_SIDE } from './limits.ts';

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_NAME - 1}}$`);
const LABEL = new RegExp(`^.{1,${MAX_LABEL}}$`, 'u');
const HASH = /^[0-9a-f]{64}$/;

/**
 * Reads the facts that the protocol needs from a model's `manifest.json`, which the trainer writes. Throws
 * 'model/format'.
 */
export function readManifest(json: unknown): { facts: ModelFacts; sha256: string } {
  const manifest = new Fields(json, 'manifest');
  const dataset = manifest.fields('dataset');
  const preprocessing = dataset.fields('preprocessing');
  const [height, width] = preprocessing.list('resize', 2, 2) as [number, number];
  const size = new Fields({ height, width }, 'manifest.dataset.preprocessing.resize');
  const channels = preprocessing.list('mean', 1, MAX_CHANNELS).length;
  // The trainer's networks classify pictures; their manifests do not state this.
  const given = (key: string) => manifest.value(key) !== undefined;
  const facts = {
    name: manifest.text('name', NAME),
    inputKind: given('inputKind') ? manifest.oneOf('inputKind', ...INPUT_KINDS) : ('picture' as const),
    head: given('head') ? manifest.oneOf('head', ...HEADS) : ('softmax' as const),
    labels: dataset.texts('classes', 1, MAX_CHANNELS, LABEL),
    preprocessing: {
      height: size.integer('height', 1, MAX_SIDE),
      width: size.integer('width', 1, MAX_SIDE),
      mean: preprocessing.numbers('mean', channels, -1e3, 1e3),
      std: preprocessing.numbers('std', channels, 1e-6, 1e3),
    },
  };
  return { facts, sha256: manifest.text('sha256', HASH) };
}
