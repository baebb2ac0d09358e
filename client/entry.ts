/**
 * `import { connect } from 'sphynx-pi'`: index.ts, once it is sure that this Node can load it. Nothing here awaits, so
 * that CommonJS programs can `require` it.
 */
import '../platform/node/checked-node.ts';

export { connect, SphynxError } from './index.ts';
