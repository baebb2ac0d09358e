import onnxProto from 'onnx-proto';
import { SphynxError } from '../../errors/sphynx-error.ts';

/** A constant of an ONNX graph: row-major. No dimensions is a scalar. */
export interface Constant {
  readonly dims: readonly number[];
  readonly values: Float64Array;
  /** Whether its element type is one of the integers, whose quotients are cut off. */
  readonly integer?: boolean;
}

/** Elements of one constant. */
const MAX_CONSTANT = 2 ** 27;
const MAX_DIMENSIONS = 8;

type TensorProto = onnxProto.onnx.ITensorProto;

/** Throws 'model/format' on a broken tensor, 'model/unsupported' on element types other than float, double and integers. */
export function readConstant(tensor: TensorProto): Constant {
  const name = JSON.stringify(tensor.name ?? '');
  const dims = (tensor.dims ?? []).map(toInteger);
  const length = dims.reduce((product, dim) => product * dim, 1);
  if (dims.length > MAX_DIMENSIONS || dims.some((dim) => dim < 0) || length > MAX_CONSTANT)
    throw formatError(`constant ${name}: a shape of ${dims.join('x')}`);
  if (tensor.dataLocation === onnxProto.onnx.TensorProto.DataLocation.EXTERNAL)
    throw new SphynxError(
      'model/unsupported',
      `constant ${name} lies in another file: save the model as one file`,
    );
  const values = readValues(tensor, name);
  if (values.length !== length)
    throw formatError(`constant ${name}: expected ${length} values, got ${values.length}`);
  if (!values.every(Number.isFinite)) throw formatError(`constant ${name}: not all values are finite`);
  const { FLOAT, DOUBLE, FLOAT16 } = onnxProto.onnx.TensorProto.DataType;
  return { dims, values, integer: ![FLOAT, DOUBLE, FLOAT16].includes(tensor.dataType ?? FLOAT) };
}

function readValues(tensor: TensorProto, name: string): Float64Array {
  const raw = tensor.rawData ?? new Uint8Array();
  const words = <T>(
    bytes: number,
    read: (view: DataView, offset: number) => number,
    listed: ArrayLike<T> | null | undefined,
  ) => {
    if (raw.length === 0) return Float64Array.from(listed ?? [], (value) => Number(value));
    if (raw.length % bytes !== 0) throw formatError(`constant ${name}: ${raw.length} bytes of data`);
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    return Float64Array.from({ length: raw.length / bytes }, (_, i) => read(view, i * bytes));
  };
  const types = onnxProto.onnx.TensorProto.DataType;
  switch (tensor.dataType) {
    case types.FLOAT:
      return words(4, (view, at) => view.getFloat32(at, true), tensor.floatData);
    case types.DOUBLE:
      return words(8, (view, at) => view.getFloat64(at, true), tensor.doubleData);
    case types.FLOAT16:
      return words(2, (view, at) => halfFloat(view.getUint16(at, true)), tensor.int32Data?.map(halfFloat));
    case types.BOOL:
    case types.UINT8:
      return words(1, (view, at) => view.getUint8(at), tensor.int32Data);
    case types.INT8:
      return words(1, (view, at) => view.getInt8(at), tensor.int32Data);
    case types.INT32:
      return words(4, (view, at) => view.getInt32(at, true), tensor.int32Data);
    case types.INT64:
      return words(8, (view, at) => Number(view.getBigInt64(at, true)), tensor.int64Data);
    default:
      throw new SphynxError(
        'model/unsupported',
        `constant ${name}: element type ${tensor.dataType ?? 'none'}`,
      );
  }
}

/** The number with the given IEEE 754 binary16 bits. */
function halfFloat(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  const value = exponent === 31 ? Number.NaN : size;
  return bits >> 15 ? -value : value;
}

/** A protobuf int64 as a number. Throws 'model/format' beyond 2^53. */
export function toInteger(value: { toString(): string }): number {
  const number = Number(value.toString());
  if (!Number.isSafeInteger(number)) throw formatError(`the integer ${value} is out of range`);
  return number;
}

export function formatError(what: string): SphynxError {
  return new SphynxError('model/format', `ONNX: ${what}`);
}
