import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Roles } from '../../client/roles.ts';
import { makePlan } from '../../protocol/plan.ts';
import { randomSmallNetwork } from '../support/small-network.ts';

test('two cards that claim one hash have a plan each', async () => {
  const { card } = randomSmallNetwork(1);
  const forged = { ...randomSmallNetwork(2).card, hash: card.hash };
  const roles = new Roles();
  for (const each of [forged, card, forged]) {
    const { hash } = await roles.call('load', { agreement: { card: each, setting: 'fast' } });
    assert.equal(hash, makePlan(each).hash);
  }
});
