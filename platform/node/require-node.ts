/** The oldest Node that runs all of this. */
const OLDEST_NODE = 24;

/**
 * Throws on an older Node, before anything is loaded that would fail there in its own words. A file that calls this loads
 * the rest by `import()`, or imports checked-node.ts before the rest.
 */
export function requireNode(version = process.versions.node): void {
  if (Number(version.split('.')[0]) >= OLDEST_NODE) return;
  throw new Error(
    `sphynx-pi needs Node ${OLDEST_NODE} or newer, and this is ${version}: see https://nodejs.org`,
  );
}
