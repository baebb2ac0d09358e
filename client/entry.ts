/**
 * `import { connect } from 'sphynx-pi'`: loads index.ts after checking that this Node can load it. There is no
 * top-level await, so that CommonJS programs can `require` it.
 */
import '../platform/node/checked-node.ts';

export { connect, SphynxError } from './index.ts';
