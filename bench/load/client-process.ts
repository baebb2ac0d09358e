/** The client of an arrival study: `client-process.ts PORT STATE-FOLDER LOW HIGH`, driven over IPC by `../party.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClassifyInput, connect, type PoolStatus } from '../../client/index.ts';
import { tuneHeap } from '../../threads/node/heap.ts';
import { answerParent } from '../party.ts';
import { answerInOrder, type Request } from './queue.ts';

/** The client's results for one run of arrivals. */
export interface Answered {
  readonly requests: readonly Request[];
  /** Logits of the last request. */
  readonly logits: readonly number[];
  /** Bundles that became ready meanwhile, and the time that the pool spent preparing them (ms). */
  readonly prepared: { readonly bundles: number; readonly ms: number };
}

/** How often a filling pool is polled (ms). */
const LOOK_MS = 20;

tuneHeap();
const [port, stateFolder, low, high] = process.argv.slice(2);
const client = await connect(`127.0.0.1:${port}`, { stateFolder });

let prepared = { bundles: 0, ms: 0 };
let before: PoolStatus & { readonly at: number } = { state: 'filling', ready: 0, at: performance.now() };
const onStatus = (status: PoolStatus) => {
  const at = performance.now();
  if (before.state === 'filling') {
    prepared.bundles += Math.max(0, status.ready - before.ready);
    prepared.ms += at - before.at;
  }
  before = { ...status, at };
};
const pool = client.pool({ low: Number(low), high: Number(high), onStatus });

answerParent(
  {},
  {
    /** Resolves when the pool is full. */
    rest: async (): Promise<void> => {
      while ((await client.bundles()).length < Number(low) || pool.status.state !== 'full')
        await sleep(LOOK_MS);
    },
    /** `arrivals`: ms from now on, ascending. */
    answer: async ({ arrivals, image }: { arrivals: number[]; image: ClassifyInput }): Promise<Answered> => {
      prepared = { bundles: 0, ms: 0 };
      const start = performance.now();
      const now = () => performance.now() - start;
      const until = async (time: number) => {
        if (time > now()) await sleep(time - now());
      };
      let logits: readonly number[] = [];
      const requests = await answerInOrder(arrivals, { now, until }, async () => {
        const started = now();
        const ready = (await client.bundles()).length > 0;
        if (!ready) await pool.some();
        const preparingMs = ready ? 0 : now() - started;
        logits = [...(await client.classify(image)).logits];
        return preparingMs;
      });
      return { requests, logits, prepared };
    },
  },
  () => client.close(),
);
