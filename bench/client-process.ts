/** The client of a measurement: `client-process.ts PORT STATE-FOLDER`, driven over IPC by `party.ts`. */
import { type Classification, type ClassifyInput, connect } from '../client/index.ts';
import { tuneHeap } from '../transport/heap.ts';
import { answerParent } from './party.ts';

/** One prepared bundle, and one inference, as the parent wants them. */
export interface Prepared {
  readonly ms: number;
  readonly up: number;
  readonly down: number;
}
export type Inferred = Pick<Classification, 'timings' | 'bytes' | 'rounds'> & { readonly logits: number[] };

tuneHeap();
const [port, stateFolder] = process.argv.slice(2);
const client = await connect(`127.0.0.1:${port}`, { stateFolder });
answerParent(
  {},
  {
    prepare: async (count: number): Promise<Prepared[]> =>
      (await client.prepare({ count })).map(({ offline }) => offline),
    classify: async (image: ClassifyInput): Promise<Inferred> => {
      const { timings, bytes, rounds, logits } = await client.classify(image);
      return { timings, bytes, rounds, logits: [...logits] };
    },
  },
  () => client.close(),
);
