/** Formats numbers for people. */

/** '812 B', '3.1 kB', '31.2 MB': powers of 1000, as networks are rated. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${count} B` : `${value < 99.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** '212 ms', '3.4 s', '2 min 5 s', '1 h 3 min'. */
export function duration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** '25,600'. */
export function whole(count: number): string {
  return count.toLocaleString('en-US');
}

/** '1 bundle', '2 bundles'. */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** '92.1%'. */
export function percent(p: number): string {
  return `${(100 * p).toFixed(1)}%`;
}

/** Formats rows of text as aligned columns; columns of numbers are aligned to the right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [
    header,
    ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? whole(cell) : cell))),
  ];
  const widths = header.map((_, c) => Math.max(...cells.map((row) => row[c].length)));
  const right = header.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, c) => (right[c] ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
