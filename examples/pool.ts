/** Keeps bundles ready in the background, and classifies many pictures: `node pool.ts 127.0.0.1:50051 *.jpg` */
import { connect } from 'sphynx-pi';

const [, , address = '127.0.0.1:50051', ...pictures] = process.argv;
const client = await connect(address);
client.pool({
  low: 2,
  high: 4,
  onStatus: ({ state, ready, error }) => console.error(state, ready, error?.message ?? ''),
});
// A few run at once; each takes a bundle that is ready, or waits for the pool's next one.
const outcomes = await client.classifyAll(pictures, { prepare: true, topK: 1 });
for (const [i, outcome] of outcomes.entries())
  console.log(
    pictures[i],
    outcome.status === 'fulfilled' ? outcome.value.top[0]?.label : outcome.reason.message,
  );
await client.close();
