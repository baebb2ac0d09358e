import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Table } from './table.ts';

/** Some programs begin a text with it. */
const BYTE_ORDER_MARK = /^\uFEFF/;

/** Missing values in a table of text. */
const MISSING = /^(nan|na|null|none|[+-]?inf(inity)?)?$/i;

/**
 * Reads a table of numbers: lines of cells separated by commas, semicolons or tabs. A first line without any number is
 * a header; a first line of numbers is an input. Throws 'input/invalid' naming the first cell that is not a finite
 * number, if lines differ in length, and if the first line could be either: 0, 1, 2, ... are pandas' default names of
 * columns.
 */
export function readCsv(text: string): Table {
  const lines = text.replace(BYTE_ORDER_MARK, '').split(/\r?\n/);
  while (lines.at(-1)?.trim() === '') lines.pop();
  const separator = [';', '\t'].find((mark) => lines[0]?.includes(mark)) ?? ',';
  const rows = lines.map((line) =>
    line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')),
  );
  const header = rows.length > 1 && rows[0].every((cell) => !isNumber(cell) && !MISSING.test(cell));
  if (rows.length > 1 && rows[0].length > 2 && rows[0].every((cell, i) => cell === String(i)))
    throw invalid(
      'line 1 counts from 0, like default names of columns: delete it (pandas: to_csv(..., header=False, index=False)), or write 0.0, 1.0, ... if it is an input',
    );
  const body = rows.slice(header ? 1 : 0);
  if (body.length === 0) throw invalid('the file holds no numbers');
  const width = body[0].length;
  const values = new Float64Array(body.length * width);
  for (const [r, row] of body.entries()) {
    const line = r + (header ? 2 : 1);
    if (row.length !== width) throw invalid(`line ${line} has ${row.length} cells, and the first ${width}`);
    for (const [c, cell] of row.entries()) {
      if (!isNumber(cell))
        throw invalid(
          `line ${line}, cell ${c + 1} is ${MISSING.test(cell) ? 'empty or not finite: impute it as in training' : 'not a number'}${line === 1 && rows.length > 1 ? '; if the line names the columns, delete it: a header is a line without numbers' : ''}`,
        );
      values[r * width + c] = Number(cell);
    }
  }
  return { shape: [body.length, width], values };
}

function isNumber(cell: string): boolean {
  return cell !== '' && Number.isFinite(Number(cell));
}

/**
 * Reads numbers in JSON, as nested lists of equal lengths. Throws 'input/invalid' naming the first place that differs.
 */
export function readJson(text: string): Table {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(BYTE_ORDER_MARK, ''));
  } catch (cause) {
    throw new SphynxError('input/invalid', 'the file is not JSON', { cause });
  }
  const shape: number[] = [];
  for (let inner = json; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  const values: number[] = [];
  const collect = (value: unknown, depth: number, where: string) => {
    if (depth === shape.length) {
      if (typeof value !== 'number') throw invalid(`${where} is not a number`);
      values.push(value);
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[depth])
      throw invalid(`${where} is not a list of ${shape[depth]}, as the first one is`);
    for (const [i, inner] of value.entries()) collect(inner, depth + 1, `${where}[${i}]`);
  };
  if (shape.length === 0) throw invalid('expected a list of numbers, or of lists');
  collect(json, 0, 'the list');
  return { shape, values: Float64Array.from(values) };
}

function invalid(what: string): SphynxError {
  return new SphynxError('input/invalid', what);
}
