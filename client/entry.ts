/** `import { connect } from 'sphynx-pi'`: index.ts, once it is sure that this Node can load it. */
import { requireNode } from '../platform/node/require-node.ts';

requireNode();

export const { connect, SphynxError } = await import('./index.ts');
