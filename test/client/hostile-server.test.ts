import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connect } from '../../client/index.ts';
import type { ModelCard } from '../../model/card.ts';
import { countMacs, countRelus } from '../../model/geometry.ts';
import type { CardLayer } from '../../model/shape.ts';
import type { ModelSummary } from '../../transport/messages.ts';
import { hostileServer } from '../support/hostile-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const summary: ModelSummary = {
  name: 'model',
  hash: 'a'.repeat(64),
  inputChannels: 3,
  inputHeight: 8,
  inputWidth: 8,
  classes: 10,
  relus: 100,
  macs: 1000,
  quote: { offlineBytes: 1000, onlineBytes: 100, offlineProcessorMs: 0, expectedWaitMs: 0 },
  output: 'logits',
  inputKind: 'picture',
  head: 'softmax',
};

test('a list of models with names or figures that are none is refused before anybody prints it', async () => {
  const lies: object[] = [
    { name: '\u001b]0;owned\u0007' },
    { name: '' },
    { hash: '\u001b[2J' },
    { quote: undefined },
    { macs: 2 ** 60 },
    { relus: 2 ** 63 },
    { output: 'label\u001b[2J' },
    { output: '' },
    { inputKind: 'photograph' },
    { head: 'argmax' },
  ];
  for (const lie of lies) {
    const address = await hostileServer({ models: [{ ...summary, ...lie }] });
    await assert.rejects(connect(address, { stateFolder: temporaryFolder() }), { code: 'model/format' });
  }
});

/** A card that passes every check on its own, with what follows from its layers filled in. */
function hostileCard(size: number, layers: readonly CardLayer[]): ModelCard {
  const input = { channels: 1, height: size, width: size };
  return {
    format: 3,
    name: summary.name,
    hash: summary.hash,
    input,
    preprocessing: { width: size, height: size, mean: [0], std: [1], scaleBits: [8], limit: null },
    inputKind: 'picture',
    calibration: 'inputs',
    head: 'values',
    labels: ['value'],
    layers,
    logitScaleBits: 8,
    relus: countRelus({ layers }),
    macs: countMacs({ input, layers }),
    output: 'logits',
  };
}

async function clientOf(card: ModelCard, deadlines = {}) {
  const cardJson = JSON.stringify(card);
  const { quote } = summary;
  const lie = { cardJson, modelHash: card.hash, planHash: '', quote, setting: 'fast' };
  const address = await hostileServer({ models: [summary], card: lie });
  const client = await connect(address, { stateFolder: temporaryFolder(), deadlines });
  after(() => client.close());
  return client;
}

const one = { channels: 1, height: 1, width: 1 };
const gadget = { ringBits: 12, dropBits: 8 };
const convolution = {
  tensor: 0,
  pool: 'none',
  strideY: 1,
  strideX: 1,
  padTop: 0,
  padLeft: 0,
  groups: 1,
} as const;

test('a card whose plan would take minutes is given up at the deadline, and at once when the caller wants or closes the client', async () => {
  const term = { ...convolution, kernelHeight: 64, kernelWidth: 64, strideY: 64, strideX: 64 };
  const layers = Array.from({ length: 100 }, (_, l) => ({
    name: `layer ${l}`,
    output: one,
    terms: Array.from({ length: 64 }, () => term),
    gadget: l < 99 ? gadget : null,
    linear: null,
    squares: null,
  }));
  const client = await clientOf(hostileCard(512, layers), { planMs: 300 });
  await assert.rejects(client.modelCard(), { code: 'model/unsupported', message: /too complex/ });
  const signal = AbortSignal.timeout(100);
  await assert.rejects(client.modelCard(undefined, { signal }), { code: 'aborted' });
  const patient = await clientOf(hostileCard(512, layers));
  const closed = assert.rejects(patient.modelCard(), { code: 'aborted', message: /client was closed/ });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await patient.close();
  await closed;
});

test('a card that asks for more ciphertexts, or a larger bundle, than a client can hold is refused', async () => {
  const wide = { ...convolution, kernelHeight: 64, kernelWidth: 64, padTop: 32, padLeft: 32 };
  const sum = { ...convolution, kernelHeight: 1, kernelWidth: 1 };
  const map = { channels: 60, height: 512, width: 512 };
  const pooled = { ...sum, tensor: 1, pool: 'sum' as const };
  const common = { linear: null, squares: null };
  const last = { name: 'logits', output: one, terms: [pooled], gadget: null, ...common };
  for (const term of [wide, sum]) {
    const first = { name: 'first', output: map, terms: [term], ...common };
    const card = hostileCard(512, [{ ...first, gadget: { ringBits: 20, dropBits: 8 } }, last]);
    await assert.rejects((await clientOf(card)).modelCard(), {
      code: 'model/unsupported',
      message: /bytes for/,
    });
  }
});
