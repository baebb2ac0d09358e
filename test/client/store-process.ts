/** A process of its own that uses the store, for tests that kill it or race it. Prints one JSON value a line. */
import { createBundle } from '../../client/node/bundle-body.ts';
import { openBundleStore } from '../../client/node/bundle-store.ts';
import { clientToken } from '../../client/node/client-token.ts';
import { MODEL_HASH, PLAN_HASH } from './sample-bundle.ts';

const [command, stateFolder, argument] = process.argv.slice(2);
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

if (command === 'token') say(await clientToken(stateFolder, 'localhost:1'));
else {
  const store = await openBundleStore(stateFolder, 'localhost:1');
  if (command === 'take-all')
    for (
      let bundle = await store.take(MODEL_HASH, PLAN_HASH);
      bundle;
      bundle = await store.take(MODEL_HASH, PLAN_HASH)
    ) {
      say(bundle.header.bundleId);
      await bundle.burn();
    }
  if (command === 'take-and-hang') {
    say((await store.take(MODEL_HASH, PLAN_HASH))?.header.bundleId);
    setInterval(() => {}, 1000);
  }
  if (command === 'write-and-hang') {
    const partial = await store.begin(MODEL_HASH, argument, 1000);
    createBundle(partial.path).write(new Uint8Array(1000));
    say('writing');
    setInterval(() => {}, 1000);
  }
  if (command === 'write-much') {
    const partial = await store.begin(MODEL_HASH, argument, 1000);
    const writer = createBundle(partial.path);
    try {
      for (let i = 0; i < 64; i++) writer.write(new Uint8Array(1 << 16));
      say('written');
    } catch (error) {
      await writer.close();
      await partial.discard();
      const { code, message } = error as Error & { code: string };
      say({ code, message });
    }
  }
}
