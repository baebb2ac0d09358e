import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Table } from './table.ts';

/** NumPy's file format for one array (numpy.lib.format). */

const MAGIC = '\x93NUMPY';

type Reader = (view: DataView, at: number) => number;

/** Size and reader of each supported element type, by NumPy's names. */
const TYPES: Record<string, [number, Reader]> = {
  '<f4': [4, (view, at) => view.getFloat32(at, true)],
  '<f8': [8, (view, at) => view.getFloat64(at, true)],
  '|i1': [1, (view, at) => view.getInt8(at)],
  '|u1': [1, (view, at) => view.getUint8(at)],
  '<i2': [2, (view, at) => view.getInt16(at, true)],
  '<u2': [2, (view, at) => view.getUint16(at, true)],
  '<i4': [4, (view, at) => view.getInt32(at, true)],
  '<u4': [4, (view, at) => view.getUint32(at, true)],
  '<i8': [8, (view, at) => Number(view.getBigInt64(at, true))],
};

/**
 * Reads the array in the bytes of a .npy file. Throws 'input/invalid' if they are not such a file or contain anything
 * but numbers.
 */
export function readNpy(bytes: Uint8Array): Table {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== MAGIC)
    throw invalid('this is not a .npy file');
  const long = bytes[6] >= 2;
  const start = long ? 12 : 10;
  const length =
    bytes.length >= start ? (long ? view.getUint32(8, true) : view.getUint16(8, true)) : Infinity;
  if (start + length > bytes.length) throw invalid('the .npy file is truncated');
  const header = Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
  const type = /'descr': *'([^']*)'/.exec(header)?.[1] ?? 'a structure';
  const shapeText = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (!Object.hasOwn(TYPES, type))
    throw invalid(`the .npy file holds ${JSON.stringify(type)}: save it with .astype('float32')`);
  if (/'fortran_order': *True/.test(header))
    throw invalid('the .npy file is in column-major order: save it with np.ascontiguousarray');
  if (shapeText === undefined) throw invalid('the .npy file does not state its shape');
  const shape = shapeText
    .split(',')
    .map((size) => size.trim())
    .filter((size) => size !== '')
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const [width, read] = TYPES[type];
  if (count * width !== bytes.length - start - length)
    throw invalid(
      `the .npy file holds ${bytes.length - start - length} bytes for an array of ${shape.join('x')}`,
    );
  const values = Float64Array.from({ length: count }, (_, i) => read(view, start + length + i * width));
  return { shape, values };
}

function invalid(what: string): SphynxError {
  return new SphynxError('input/invalid', what);
}
