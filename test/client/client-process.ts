/** A client in a process of its own, to be killed: `node client-process.ts ADDRESS STATE`. Prepares two bundles and classifies. */
import { connect } from '../../client/index.ts';

const [address, stateFolder] = process.argv.slice(2);
const client = await connect(address, { stateFolder });
await client.prepare({ count: 2 });
process.send?.('classifying');
await client.classify({ width: 8, height: 8, data: new Uint8Array(192) });
process.send?.('done');
