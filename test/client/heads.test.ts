import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareInput } from '../../client/input.ts';
import { randomNetwork } from '../../fixtures/random-network.ts';
import { seededRandom } from '../../fixtures/seeded-random.ts';
import { runInteger, stochasticRange } from '../../model/executor.ts';
import type { OutputHead } from '../../model/head.ts';
import { assembleNetwork, type FixedNetwork, withOutput } from '../../model/network.ts';
import { newClient } from '../support/connected.ts';
import { runningServer } from '../support/running-server.ts';

const NUMBERS = 6;

/** A network of two layers on six numbers, with random weights. */
function vectorNetwork(
  name: string,
  head: OutputHead,
  outputs: number,
  labels: readonly string[],
): FixedNetwork {
  const dense = (name: string, tensor: number, channels: number) => ({
    name,
    output: { channels, height: 1, width: 1 },
    terms: [
      {
        tensor,
        pool: 'none' as const,
        kernelHeight: 1,
        kernelWidth: 1,
        strideY: 1,
        strideX: 1,
        padTop: 0,
        padLeft: 0,
        groups: 1,
      },
    ],
  });
  const input = { channels: NUMBERS, height: 1, width: 1 };
  const { card, layers } = randomNetwork(
    name,
    input,
    [dense('hidden', 0, 8), dense('logits', 1, outputs)],
    3,
    {},
  );
  return assembleNetwork({ ...card, inputKind: 'vector', head, labels }, layers);
}

const sigmoid = vectorNetwork('sigmoid', 'sigmoid', 1, ['no', 'yes']);
const labelled = withOutput(vectorNetwork('sign', 'sigmoid', 1, ['no', 'yes']), 'label');
const severalLabels = vectorNetwork('several', 'multi-label', 7, ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
const server = await runningServer({ models: [sigmoid, labelled, severalLabels] });
const client = await newClient({}, `127.0.0.1:${server.port}`);

/** Inputs whose answers rounding cannot change, some for each of two classes. */
async function clearInputs(network: FixedNetwork, count: number) {
  const random = seededRandom(9);
  const found: { values: Float32Array; mean: Float64Array; deviation: Float64Array }[] = [];
  while (found.length < count) {
    const values = Float32Array.from({ length: NUMBERS }, () => 4 * random() - 2);
    const range = stochasticRange(network, await prepareInput(values, network.card), 32, random);
    const side = found.length % 2 === 0 ? 1 : -1;
    if (range.mean[0] * side > 20 * range.deviation[0]) found.push({ values, ...range });
  }
  return found;
}

test('a model of one logit on numbers gives two classes by the sigmoid of the private logit', async () => {
  const summary = (await client.models()).find(({ name }) => name === 'sigmoid')!;
  assert.deepEqual([summary.inputKind, summary.head, summary.classes], ['vector', 'sigmoid', 2]);
  const unit = 2 ** -sigmoid.card.logitScaleBits;
  const model = 'sigmoid';
  for (const { values, mean, deviation } of await clearInputs(sigmoid, 2)) {
    const { head, top, logits } = await client.classify(values, { model, prepare: true });
    assert.ok(Math.abs(logits[0] - mean[0] * unit) <= 8 * deviation[0] * unit + unit);
    assert.equal(head, 'sigmoid');
    assert.deepEqual(
      top.map(({ label }) => label),
      mean[0] > 0 ? ['yes', 'no'] : ['no', 'yes'],
    );
    const yes = top.find(({ label }) => label === 'yes')!.p!;
    assert.ok(Math.abs(yes - 1 / (1 + Math.exp(-logits[0]))) < 1e-12);
  }
  await assert.rejects(client.classify(new Float32Array(5), { model }), {
    code: 'input/invalid',
    message: /6 numbers/,
  });
});

test('a model of one logit whose server tells the label gives the class of its sign', async () => {
  assert.deepEqual([labelled.card.head, labelled.card.labels], ['softmax', ['no', 'yes']]);
  for (const { values, mean } of await clearInputs(sigmoid, 2)) {
    const input = await prepareInput(values, sigmoid.card);
    const two = runInteger(labelled, input, () => 0).logits;
    const one = runInteger(sigmoid, input, () => 0).logits;
    assert.deepEqual([...two], [0, ...one]);
    const { top, logits } = await client.classify(values, { model: 'sign', prepare: true });
    assert.deepEqual(top, [{ label: mean[0] > 0 ? 'yes' : 'no', p: null, index: mean[0] > 0 ? 1 : 0 }]);
    assert.equal(logits.length, 0);
  }
});

test('independent labels all come with their own probabilities', async () => {
  const { top, logits } = await client.classify([1, -1, 2, 0, 0.5, -2], {
    model: 'several',
    prepare: true,
  });
  assert.equal(top.length, 7);
  for (const { p, index } of top) assert.ok(Math.abs(p! - 1 / (1 + Math.exp(-logits[index]))) < 1e-12);
});

for (const head of ['multi-label', 'values'] as const)
  test(`a server does not start with the output label for a model with the head ${head}`, async () => {
    const network = vectorNetwork('none', head, 3, ['a', 'b', 'c']);
    for (const output of ['label', 'top-2'] as const)
      await assert.rejects(runningServer({ models: [network], output }), {
        code: 'config/invalid',
        message: /none is the likeliest: serve it with the output logits/,
      });
  });
