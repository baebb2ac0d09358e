/** Serves a model from your own program: `node server.ts MODEL-FOLDER STATE-FOLDER` */
import { SphynxError, startServer } from 'sphynx-pi/server';

const [, , model = 'model', stateFolder = 'state'] = process.argv;
try {
  const server = await startServer({
    address: '127.0.0.1:0',
    models: [model],
    stateFolder,
    output: 'label',
    limits: { inferencesPerHour: 500 },
    metrics: '0',
  });
  const names = server.models.map(({ name }) => name);
  console.log(`serving ${names.join(', ')} on 127.0.0.1:${server.port}`);
  const stop = () => server.stop({ drainMs: 0, graceMs: 10_000 }).then(() => console.log('stopped'));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  if (!(error instanceof SphynxError)) throw error;
  console.error(error.code, error.message);
  process.exitCode = 1;
}
