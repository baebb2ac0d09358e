import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withOutput } from '../../model/network.ts';
import { makePlan } from '../../protocol/plan.ts';
import { traceSteps } from '../../protocol/trace.ts';
import { Rehearsals } from '../../threads/rehearsals.ts';
import { rehearseClient, rehearseServer } from '../../threads/rehearse-inference.ts';
import { rehearsePreparation } from '../../threads/rehearse-preparation.ts';
import { network as sphynx } from '../support/running-server.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

/** With ReLUs and linear elements, and without. */
const NETWORKS = [sphynx, randomSmallNetwork(15, 2, 0.3), withOutput(sphynx, 'label')];

/** The names of the steps that `work` computes. */
async function stepsOf(work: () => Promise<void>): Promise<Set<string>> {
  const names = new Set<string>();
  traceSteps(({ name }) => names.add(name));
  await work().finally(() => traceSteps(() => {}));
  return names;
}

test('a rehearsal runs all steps of an inference, of either half, in every setting', async () => {
  for (const network of NETWORKS)
    for (const setting of ['fast', 'lean'] as const) {
      const plan = makePlan(network.card, setting);
      let pauses = 0;
      const pause = async () => void pauses++;
      const client = await stepsOf(() => rehearseClient(plan, pause));
      for (const name of ['get ready', 'load', 'evaluate']) assert.ok(client.has(name), name);
      const server = await stepsOf(() => rehearseServer(plan, network, pause));
      for (const name of ['linear layer', 'select labels', 'remove masks']) assert.ok(server.has(name), name);
      assert.ok(pauses >= 2 * plan.layers.length);
    }
});

test('a rehearsed preparation opens a session, multiplies, garbles and decrypts', async () => {
  const steps = await stepsOf(() => rehearsePreparation(async () => {}));
  for (const name of ['base OTs', 'multiply', 'garble', 'decrypt']) assert.ok(steps.has(name), name);
});

test('real work ends a rehearsal where it waits for its peer, and nothing is rehearsed afterwards', async () => {
  const rehearsals = new Rehearsals();
  const plan = makePlan(sphynx.card);
  let begun = 0;
  let ended = 0;
  rehearsals.begin(async (pause) => {
    begun++;
    await rehearseServer(plan, sphynx, async () => {
      if (begun === 2) rehearsals.stop();
      await pause();
    });
    ended++;
  });
  await rehearsals.over;
  assert.deepEqual([begun, ended], [2, 1]);
});
