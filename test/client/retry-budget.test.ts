import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RetryBudget } from '../../client/retry-budget.ts';
import { SphynxError } from '../../errors/sphynx-error.ts';

const busy = new SphynxError('server/busy', 'later', { retryAfterMs: 1 });

test('a server that refuses late uses the budget up, although its hints are short', async () => {
  const budget = new RetryBudget(200);
  let refusals = 0;
  const ask = async () => {
    for (;;) {
      budget.begin();
      await delay(30);
      refusals++;
      await budget.wait(busy);
    }
  };
  await assert.rejects(ask(), busy);
  assert.ok(refusals <= 7, `${refusals} refusals`);
});

test('what passes before the server is asked costs nothing', async () => {
  const budget = new RetryBudget(500);
  await delay(600);
  budget.begin();
  await budget.wait(busy);
});

test('errors that do not pass, or without a hint, are thrown at once', async () => {
  const budget = new RetryBudget(1000);
  for (const error of [
    new SphynxError('server/busy', 'no hint'),
    new SphynxError('server/busy', 'too late', { retryAfterMs: 2000 }),
    new SphynxError('model/unknown', 'for good', { retryAfterMs: 1 }),
  ])
    await assert.rejects(budget.wait(error), error);
});
