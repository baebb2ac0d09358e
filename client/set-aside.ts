/**
 * The time until which prepared bundles are set aside (ms since the epoch), for the stores of Node and of browsers. A
 * clock that is changed does no harm: the time is not before that of any bundle in the folder, and bundles that are
 * prepared afterwards get a later one.
 */
import type { BundleHeader } from './bundle-header.ts';

/** Sets all bundles aside, also later ones. */
const ALL = Number.MAX_SAFE_INTEGER;

/** Returns the time in a file's text. A text that cannot be read sets all bundles aside. */
export function readUntil(text: string): number {
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : ALL;
}

/** Returns the time that sets these bundles aside, and all that are prepared until now. */
export function untilOf(bundles: readonly BundleHeader[]): number {
  return Math.max(Date.now(), ...bundles.map(({ preparedAt }) => preparedAt));
}

/** Returns a new bundle's header, with a time of preparation that is later than `until`. */
export function preparedAfter(header: BundleHeader, until: number): BundleHeader {
  return until === ALL ? header : { ...header, preparedAt: Math.max(header.preparedAt, until + 1) };
}
