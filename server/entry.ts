/** `import { startServer } from 'sphynx-pi/server'`: loads index.ts after checking that this Node can load it. */
import { requireNode } from '../platform/node/require-node.ts';

requireNode();

export const { startServer, DEFAULT_LIMITS, PAGE_FOLDER, SphynxError } = await import('./index.ts');
