import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchModel } from '../../bench/model.ts';
import { networkName } from '../../bench/paper/columns.ts';
import { rowsNamed } from '../../bench/paper/rows.ts';
import { makePlan } from '../../protocol/plan.ts';

test('MiniONN’s network has the products and activations of the one that DELPHI’s authors trained', async () => {
  for (const [quadratic, relus] of [
    [0, 173_056],
    [3, 74_752],
    [5, 20_480],
    [6, 4096],
    [7, 0],
  ]) {
    const { card } = await benchModel(`minionn:${quadratic}`);
    assert.deepEqual([card.relus, card.macs, card.layers.length], [relus, 96_479_232, 8]);
    const squared = card.layers.filter(({ squares }) => squares !== null);
    assert.equal(squared.length, quadratic);
  }
  await assert.rejects(benchModel('minionn:4'), { code: 'config/invalid', message: /minionn:Q/ });
});

test('the bytes that the documents give of it are the plan’s', async () => {
  const { onlineBytes, offlineBytes } = makePlan((await benchModel('minionn:7')).card);
  assert.deepEqual(onlineBytes, { up: 1_396_736, down: 3_461_160 });
  assert.deepEqual(offlineBytes, { up: 25_639_832, down: 18_639_128 });
});

test('the paper suite has a row for each, under a name of its own', () => {
  const rows = rowsNamed(['minionn']);
  assert.equal(rows.length, 5);
  assert.equal(new Set(rows.map((row) => networkName(row, row.model))).size, 5);
});
