import { COLUMNS, type PaperRow } from './columns.ts';

/** Smallest widths of the columns, so that consecutive lines are aligned. */
const WIDTHS = [40, 8, 9, 7, 13, 12, 19, 26, 7, 26, 18, 19, 6, 17, 26, 16];

/** The table of a running suite: rows on stdout as they are measured, and progress on stderr. */
export class LiveTable {
  readonly #onTerminal = process.stderr.isTTY === true;
  #rows = 0;

  /** Shows progress; on a terminal it replaces the previous message. */
  note(text: string): void {
    process.stderr.write(this.#onTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Prints a row, or a line in place of one. */
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
