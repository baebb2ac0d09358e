/** The oldest supported version of Node. */
const OLDEST_NODE = 24;

/**
 * Throws on an older Node, before loading anything that would fail there with an obscure error. A file that calls this
 * loads the rest by `import()`, or imports checked-node.ts before the rest.
 */
export function requireNode(version = process.versions.node): void {
  if (Number(version.split('.')[0]) >= OLDEST_NODE) return;
  throw new Error(
    `sphynx-pi needs Node ${OLDEST_NODE} or newer, and this is ${version}: see https://nodejs.org`,
  );
}
