/** Classifies a picture privately: `node examples/client.ts 127.0.0.1:50051 photo.jpg` */
import { connect, SphynxError } from 'sphynx-pi';

const [address, picture] = process.argv.slice(2);
const client = await connect(address);
try {
  await client.prepare({
    count: 1,
    onProgress: ({ bytes, totalBytes }) => console.error(bytes / totalBytes),
  });
  const { top, timings } = await client.classify(picture, { topK: 3 });
  for (const { label, p } of top) console.log(label, p);
  console.error(`${timings.onlineMs.toFixed(0)} ms`);
} catch (error) {
  if (!(error instanceof SphynxError)) throw error;
  console.error(error.code, error.message);
  process.exitCode = 1;
} finally {
  await client.close();
}
