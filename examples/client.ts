/** Classifies a picture privately: `node client.ts 127.0.0.1:50051 photo.jpg` */
import { connect, SphynxError } from 'sphynx-pi';

const [, , address = '127.0.0.1:50051', picture = 'photo.jpg'] = process.argv;
try {
  const client = await connect(address);
  try {
    await client.prepare({
      count: 1,
      onProgress: ({ bytes, totalBytes }) => console.error(`${Math.round((100 * bytes) / totalBytes)} %`),
    });
    const { top, timings } = await client.classify(picture, { topK: 3 });
    for (const { label, p } of top) console.log(label, p);
    console.error(`${timings.onlineMs.toFixed(0)} ms`);
  } finally {
    await client.close();
  }
} catch (error) {
  if (!(error instanceof SphynxError)) throw error;
  console.error(error.code, error.message);
  process.exitCode = 1;
}
