import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Campaign, ROUND } from '../../stress/fuzz/campaign.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const CASES = 1000;
const campaign = await Campaign.open(2, temporaryFolder(), 8);
after(() => campaign.close());

test('1,000 hostile conversations are refused with the right codes and change nothing', async () => {
  await campaign.run(0, CASES);
  const { cases, failures, honest, outcomes, array, resident } = campaign.result;
  assert.deepEqual(failures, []);
  assert.equal(cases, CASES);
  assert.equal(honest, CASES / ROUND);
  assert.ok(array.largest <= array.bound && resident.end <= resident.bound);
  // Every call of both sides was attacked, and some attacks on each were refused.
  assert.equal(Object.keys(outcomes).length, 10);
  for (const [dialogue, counts] of Object.entries(outcomes))
    assert.ok(
      Object.keys(counts).some((outcome) => outcome !== 'passed'),
      dialogue,
    );
  // Replays reach the end of a preparation, and changed transfers get no further than their check.
  const { passed, 'protocol/inconsistent': inconsistent } = outcomes['server/Preprocess/bundle'];
  assert.ok(passed > 0 && inconsistent > 0);
});
