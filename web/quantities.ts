/** Formats figures for people. */

/** Decimal units, at most three digits: "2.6 MB". */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** power;
  return `${value.toFixed(power > 0 && value < 10 ? 1 : 0)} ${units[power]}`;
}

/** "86 ms", "1.2 s", "40 s", "3 min". */
export function duration(ms: number): string {
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 99_500 ? `${(ms / 1000).toFixed(0)} s` : `${(ms / 60_000).toFixed(0)} min`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

export function whole(count: number): string {
  return count.toLocaleString('en');
}

/** "32 × 32 pixels", on one line. */
export function size(width: number, height: number): string {
  return `${width} × ${height} pixels`.replaceAll(' ', '\u00a0');
}

/** "1 picture", "3 pictures". */
export function pictures(count: number): string {
  return `${whole(count)} picture${count === 1 ? '' : 's'}`;
}
