/**
 * A client that keeps a small pool of bundles and classifies without a pause: `load-process.ts OPTIONS-JSON`, driven
 * over IPC by `../party.ts`. Every result is compared with the integer executor's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectOptions, connect, type PoolStatus } from '../../client/index.ts';
import { liesInRange, plaintextRange } from '../../client/matches-plaintext.ts';
import { asSphynxError } from '../../errors/sphynx-error.ts';
import { tuneHeap } from '../../transport/heap.ts';
import { randomPixels } from '../image.ts';
import { benchModel } from '../model.ts';
import { answerParent } from '../party.ts';

export interface LoadOptions {
  readonly model: string;
  readonly address: string;
  readonly stateFolder: string;
  readonly deadlines?: ConnectOptions['deadlines'];
}

/** One inference or one attempt of the pool to prepare, as it ended. */
export interface Outcome {
  readonly what: 'classify' | 'prepare';
  /** When it ended (ms since the epoch), and how long it took (ms). */
  readonly at: number;
  readonly ms: number;
  /** Of an inference that gave a result. */
  readonly result?: { readonly bundleId: string; readonly right: boolean };
  /** What the caller was told. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Bundles that the pool keeps. */
const POOL = { low: 1, high: 4 };

/** Pause after a failure (ms): a program that tries again. */
const PAUSE_MS = 100;

tuneHeap();
const { model, address, stateFolder, deadlines } = JSON.parse(process.argv[2]) as LoadOptions;
const network = await benchModel(model);
const image = randomPixels(network);
const expected = await plaintextRange(network, image);
const client = await connect(address, { stateFolder, deadlines });
const outcomes: Outcome[] = [];
let stopping = false;

let began = performance.now();
const pool = client.pool({
  ...POOL,
  onStatus: ({ state, error }: PoolStatus) => {
    if (error) record('prepare', began, { failure: { code: error.code, message: error.message } });
    if (state === 'filling') began = performance.now();
  },
});
const running = run();
answerParent(
  {},
  {
    /** Those since the last time. */
    outcomes: async () => outcomes.splice(0),
    pool: async () => pool.status,
  },
  async () => {
    stopping = true;
    await running;
    await client.close();
  },
);

async function run(): Promise<void> {
  while (!stopping) {
    const start = performance.now();
    try {
      const { bundleId, logits } = await client.classify(image, { prepare: true });
      const scaled = [...logits].map((logit) => logit * 2 ** network.card.logitScaleBits);
      record('classify', start, { result: { bundleId, right: liesInRange(expected, scaled) } });
    } catch (error) {
      const { code, message } = asSphynxError(error);
      record('classify', start, { failure: { code, message } });
      await delay(PAUSE_MS);
    }
  }
}

function record(what: Outcome['what'], start: number, end: Pick<Outcome, 'result' | 'failure'>): void {
  outcomes.push({ what, at: Date.now(), ms: performance.now() - start, ...end });
}
