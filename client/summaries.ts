import { Fields } from '../model/fields.ts';
import { HEADS } from '../model/head.ts';
import { INPUT_KINDS } from '../model/input-kind.ts';
import { MAX_CHANNELS, MAX_ELEMENTS, MAX_NAME, MAX_SIDE } from '../model/limits.ts';
import { OUTPUT, type Output } from '../model/output.ts';
import type { ModelSummary } from '../transport/messages.ts';

const NAME = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${MAX_NAME - 1}}$`);
const HASH = /^[0-9a-f]{64}$/;

/**
 * Returns the server's list of models with every field checked, because names and figures reach terminals and programs.
 * The length of the message bounds that of the list. Throws 'model/format' naming the first field that is wrong.
 */
export function readSummaries(models: readonly unknown[]): ModelSummary[] {
  return models.map((model, i) => readSummary(new Fields(model, `models[${i}]`)));
}

function readSummary(fields: Fields): ModelSummary {
  const quote = fields.fields('quote');
  const anyNumber = Number.MAX_SAFE_INTEGER;
  return {
    name: fields.text('name', NAME),
    hash: fields.text('hash', HASH),
    inputChannels: fields.integer('inputChannels', 1, MAX_CHANNELS),
    inputHeight: fields.integer('inputHeight', 1, MAX_SIDE),
    inputWidth: fields.integer('inputWidth', 1, MAX_SIDE),
    classes: fields.integer('classes', 1, MAX_CHANNELS),
    relus: fields.integer('relus', 0, MAX_ELEMENTS),
    macs: fields.integer('macs', 0, anyNumber),
    output: fields.text('output', OUTPUT) as Output,
    inputKind: fields.oneOf('inputKind', ...INPUT_KINDS),
    head: fields.oneOf('head', ...HEADS),
    quote: {
      offlineBytes: quote.integer('offlineBytes', 0, anyNumber),
      onlineBytes: quote.integer('onlineBytes', 0, anyNumber),
      offlineProcessorMs: quote.integer('offlineProcessorMs', 0, anyNumber),
      expectedWaitMs: quote.integer('expectedWaitMs', 0, anyNumber),
    },
  };
}
