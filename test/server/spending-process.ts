/** A process of its own that spends one bundle when told: `node spending-process.ts FOLDER`, then IPC messages. */
import type { SphynxError } from '../../errors/sphynx-error.ts';
import { SqliteBundleStore } from '../../server/sqlite-bundle-store.ts';
import { MODEL } from './bundles.ts';

const store = new SqliteBundleStore(process.argv[2], { bundlesPerClient: 100 });

process.on('message', async (id: string) => {
  try {
    const seed = await store.spend({ id, client: 'alice', model: MODEL });
    process.send?.({ id, seed: Buffer.from(seed).toString('hex') });
  } catch (error) {
    process.send?.({ id, code: (error as SphynxError).code });
  }
});
process.send?.('up');
