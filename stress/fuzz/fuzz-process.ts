/** One of the processes that share the cases: `fuzz-process.ts SEED STATE-FOLDER LANES`, driven over IPC by `fuzz.ts`. */

import { answerParent } from '../../bench/party.ts';
import { tuneHeap } from '../../threads/node/heap.ts';
import { Campaign, type CampaignResult } from './campaign.ts';

tuneHeap();
const [seed, stateFolder, lanes] = process.argv.slice(2);
const campaign = await Campaign.open(Number(seed), stateFolder, Number(lanes));
answerParent(
  {},
  {
    run: async ([first, end]: [number, number]): Promise<CampaignResult> => {
      await campaign.run(first, end);
      return campaign.result;
    },
  },
  () => campaign.close(),
);
