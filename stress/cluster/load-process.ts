/**
 * A client that keeps a small pool of bundles and classifies continuously, or one that waits for commands:
 * `load-process.ts OPTIONS-JSON`, driven over IPC by `../party.ts`. Every result is compared with the integer
 * executor's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { randomInput } from '../../bench/input.ts';
import { benchModel } from '../../bench/model.ts';
import { answerParent } from '../../bench/party.ts';
import { type ConnectOptions, connect, type PoolStatus } from '../../client/index.ts';
import { liesInRange, plaintextRange } from '../../client/matches-plaintext.ts';
import { tuneHeap } from '../../threads/node/heap.ts';
import { failureOf, type Outcome, outcomeOf, type Result } from './outcome.ts';

export interface LoadOptions {
  readonly model: string;
  readonly address: string;
  readonly stateFolder: string;
  readonly deadlines?: ConnectOptions['deadlines'];
  /** If true, has no pool and acts only on the parent's commands. */
  readonly idle?: boolean;
}

/** Limits of the pool. */
const POOL = { low: 1, high: 4 };

/** Pause after a failure before the next attempt (ms). */
const PAUSE_MS = 100;

tuneHeap();
const { model, address, stateFolder, deadlines, idle } = JSON.parse(process.argv[2]) as LoadOptions;
const network = await benchModel(model);
const image = randomInput(network);
const expected = await plaintextRange(network, image);
const client = await connect(address, { stateFolder, deadlines });
const outcomes: Outcome[] = [];
let stopping = false;
const running = idle ? undefined : load();
answerParent(
  {},
  {
    /** Returns the outcomes of the load since the last call. */
    outcomes: async () => outcomes.splice(0),
    /** Runs one inference, for which a bundle is prepared if none is ready. */
    classify: () => outcomeOf('classify', classify),
    prepare: (count: number) =>
      outcomeOf('prepare', async () => {
        await client.prepare({ count });
        return undefined;
      }),
  },
  async () => {
    stopping = true;
    await running;
    await client.close();
  },
);

async function load(): Promise<void> {
  let began = performance.now();
  client.pool({
    ...POOL,
    onStatus: ({ error }: PoolStatus) => {
      const now = performance.now();
      if (error)
        outcomes.push({ what: 'prepare', at: Date.now(), ms: now - began, failure: failureOf(error) });
      began = now;
    },
  });
  while (!stopping) {
    const outcome = await outcomeOf('classify', classify);
    outcomes.push(outcome);
    if (outcome.failure) await delay(PAUSE_MS);
  }
}

async function classify(): Promise<Result> {
  const { bundleId, logits } = await client.classify(image, { prepare: true });
  const scaled = [...logits].map((logit) => logit * 2 ** network.card.logitScaleBits);
  return { bundleId, right: liesInRange(expected, scaled) };
}
