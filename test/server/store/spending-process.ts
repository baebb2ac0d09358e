/** A process of its own that spends one bundle when told: `node spending-process.ts PLACE-JSON`, then IPC messages. */
import type { SphynxError } from '../../../errors/sphynx-error.ts';
import { claimOf } from '../bundles.ts';
import { openPlace } from './store-place.ts';

const store = await openPlace(JSON.parse(process.argv[2]), { leaseMs: 300 });

process.on('message', async (id: string) => {
  try {
    const { seed } = await store.spend(claimOf(id));
    process.send?.({ id, seed: Buffer.from(seed).toString('hex') });
  } catch (error) {
    process.send?.({ id, code: (error as SphynxError).code });
  }
});
process.on('disconnect', () => process.exit());
process.send?.('up');
