#!/usr/bin/env node
/** The command `sphynx`. Looks at the Node version before anything is loaded that needs a new one. */

const OLDEST_NODE = 24;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(
    `sphynx: config/invalid: Node ${OLDEST_NODE} or newer is needed, this is ${process.version}; see https://nodejs.org\n`,
  );
  process.exitCode = 1;
} else {
  const { tuneHeap } = await import('../transport/heap.ts');
  tuneHeap();
  const { run } = await import('./program.ts');
  await run(process.argv.slice(2));
}
