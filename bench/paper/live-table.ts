import { COLUMNS, type PaperRow } from './columns.ts';

/** Least widths of the columns, so that lines written one after another stand in line. */
const WIDTHS = [40, 8, 9, 7, 13, 12, 19, 26, 7, 26, 18, 19, 6, 17, 26, 16];

/** The table of a running suite: rows on stdout as they come, and what is being done on stderr. */
export class LiveTable {
  readonly #onTerminal = process.stderr.isTTY === true;
  #rows = 0;

  /** What happens now; on a terminal it takes the place of what happened before. */
  note(text: string): void {
    process.stderr.write(this.#onTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** A row, or a line in place of one. */
  add(row: PaperRow | string): void {
    if (this.#onTerminal) process.stderr.write('\r\x1b[K');
    if (this.#rows++ === 0) process.stdout.write(line(COLUMNS.map(({ title }) => title)));
    process.stdout.write(typeof row === 'string' ? `${row}\n` : line(COLUMNS.map(({ cell }) => cell(row))));
  }

  end(): void {
    if (this.#onTerminal) process.stderr.write('\r\x1b[K');
  }
}

function line(cells: readonly string[]): string {
  return `${cells
    .map((cell, c) => cell.padEnd(WIDTHS[c]))
    .join('  ')
    .trimEnd()}\n`;
}
