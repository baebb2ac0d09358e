#!/usr/bin/env node
/** The command `sphynx`. Checks the version of Node before loading anything that needs a recent one. */
import { requireNode } from '../platform/node/require-node.ts';

try {
  requireNode();
} catch (error) {
  process.stderr.write(`sphynx: config/invalid: ${(error as Error).message}\n`);
  process.exit(1);
}
const { tuneHeap } = await import('../threads/node/heap.ts');
tuneHeap();
const { run } = await import('./program.ts');
await run(process.argv.slice(2));
