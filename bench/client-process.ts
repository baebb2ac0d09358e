/** The client of a measurement: `client-process.ts PORT STATE-FOLDER`, driven over IPC by `party.ts`. */
import { type Classification, type ClassifyInput, connect } from '../client/index.ts';
import { tuneHeap } from '../threads/node/heap.ts';
import { answerParent } from './party.ts';

/** One prepared bundle, and one inference, in the form for the parent. */
export interface Prepared {
  readonly ms: number;
  readonly up: number;
  readonly down: number;
}
export type Inferred = Pick<Classification, 'timings' | 'bytes' | 'rounds'> & { readonly logits: number[] };

function inferred({ timings, bytes, rounds, logits }: Classification): Inferred {
  return { timings, bytes, rounds, logits: [...logits] };
}

/** Times `work` (ms) and returns its last result. */
async function timed(work: () => Promise<Classification>): Promise<{ ms: number; last: Inferred }> {
  const start = performance.now();
  const last = inferred(await work());
  return { ms: performance.now() - start, last };
}

tuneHeap();
const [port, stateFolder] = process.argv.slice(2);
const client = await connect(`127.0.0.1:${port}`, { stateFolder });
answerParent(
  {},
  {
    prepare: async (count: number): Promise<Prepared[]> =>
      (await client.prepare({ count })).map(({ offline }) => offline),
    classifyEach: ({ input, length }: { input: ClassifyInput; length: number }) =>
      timed(async () => {
        let last: Classification | undefined;
        for (let i = 0; i < length; i++) last = await client.classify(input);
        return last as Classification;
      }),
    classifyAll: ({ input, length }: { input: ClassifyInput; length: number }) =>
      timed(async () => {
        const outcomes = await client.classifyAll(new Array(length).fill(input));
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        if (failed) throw failed.reason;
        return (outcomes.at(-1) as PromiseFulfilledResult<Classification>).value;
      }),
    classify: async (image: ClassifyInput): Promise<Inferred> => {
      return inferred(await client.classify(image));
    },
  },
  () => client.close(),
);
