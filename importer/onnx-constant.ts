import onnxProto from 'onnx-proto';
import { SphynxError } from '../errors/sphynx-error.ts';

/** Numbers for operators: row-major. No dimensions is a scalar. */
export interface Constant {
  readonly dims: readonly number[];
  readonly values: Numbers;
}

export type Numbers = Float64Array | Float32Array;

/** Elements of one constant. */
const MAX_CONSTANT = 2 ** 28;
const MAX_DIMENSIONS = 8;

export type TensorProto = onnxProto.onnx.ITensorProto;

const { DataType, DataLocation } = onnxProto.onnx.TensorProto;

/** A constant of an ONNX graph. Its numbers are read on demand, because many are sizes or never read. */
export class OnnxConstant implements Constant {
  readonly dims: readonly number[];
  /** The tensor in the runtime's form. */
  readonly tensor: TensorProto;
  #values: Numbers | undefined;

  /** Throws 'model/format' on a broken shape. */
  constructor(tensor: TensorProto) {
    this.tensor = tensor;
    this.dims = (tensor.dims ?? []).map(toInteger);
    const length = this.dims.reduce((product, dim) => product * dim, 1);
    if (this.dims.length > MAX_DIMENSIONS || this.dims.some((dim) => dim < 0) || length > MAX_CONSTANT)
      throw formatError(`constant ${nameOf(tensor)}: a shape of ${this.dims.join('x')}`);
  }

  /** Throws 'model/format' on a broken tensor, 'model/unsupported' on element types other than numbers. */
  get values(): Numbers {
    if (!this.#values) {
      const length = this.dims.reduce((product, dim) => product * dim, 1);
      const values = readValues(this.tensor, nameOf(this.tensor));
      if (values.length !== length)
        throw formatError(`constant ${nameOf(this.tensor)}: expected ${length} values, got ${values.length}`);
      this.#values = values;
    }
    return this.#values;
  }
}

/** A vector of integers, such as the sizes of a value. */
export function integerVector(values: readonly number[]): OnnxConstant {
  return new OnnxConstant({ dims: [values.length], dataType: DataType.INT64, int64Data: [...values] });
}

export function integerScalar(value: number): OnnxConstant {
  return new OnnxConstant({ dims: [], dataType: DataType.INT64, int64Data: [value] });
}

function nameOf({ name }: TensorProto): string {
  return JSON.stringify(name ?? '');
}

function readValues(tensor: TensorProto, name: string): Numbers {
  if (tensor.dataLocation === DataLocation.EXTERNAL)
    throw new SphynxError('model/unsupported', `constant ${name} lies in another file, which was not read`);
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
  switch (tensor.dataType) {
    case DataType.FLOAT:
      // Weights are used without a copy if they are aligned.
      if (raw.length > 0 && raw.length % 4 === 0) {
        const bytes = raw.byteOffset % 4 === 0 ? raw : new Uint8Array(raw);
        return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      }
      return words(4, (view, at) => view.getFloat32(at, true), tensor.floatData);
    case DataType.DOUBLE:
      return words(8, (view, at) => view.getFloat64(at, true), tensor.doubleData);
    case DataType.FLOAT16:
      return words(2, (view, at) => halfFloat(view.getUint16(at, true)), tensor.int32Data?.map(halfFloat));
    case DataType.BFLOAT16:
      return words(2, (view, at) => brainFloat(view.getUint16(at, true)), tensor.int32Data?.map(brainFloat));
    case DataType.BOOL:
    case DataType.UINT8:
      return words(1, (view, at) => view.getUint8(at), tensor.int32Data);
    case DataType.INT8:
      return words(1, (view, at) => view.getInt8(at), tensor.int32Data);
    case DataType.UINT16:
      return words(2, (view, at) => view.getUint16(at, true), tensor.int32Data);
    case DataType.INT16:
      return words(2, (view, at) => view.getInt16(at, true), tensor.int32Data);
    case DataType.INT32:
      return words(4, (view, at) => view.getInt32(at, true), tensor.int32Data);
    case DataType.UINT32:
      return words(4, (view, at) => view.getUint32(at, true), tensor.uint64Data);
    case DataType.INT64:
      return words(8, (view, at) => Number(view.getBigInt64(at, true)), tensor.int64Data);
    case DataType.UINT64:
      return words(8, (view, at) => Number(view.getBigUint64(at, true)), tensor.uint64Data);
    default:
      throw new SphynxError(
        'model/unsupported',
        `constant ${name} holds no numbers that can be read (element type ${tensor.dataType ?? 'none'}): export float32 weights`,
      );
  }
}

/** The number with the given IEEE 754 binary16 bits. */
function halfFloat(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  const value = exponent < 31 ? size : fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  return bits >> 15 ? -value : value;
}

/** The number whose upper half as a binary32 has the given bits. */
function brainFloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0];
}

/** A protobuf int64 as a number. Throws 'model/format' beyond 2^53. */
export function toInteger(value: { toString(): string }): number {
  const number = Number(value.toString());
  if (!Number.isSafeInteger(number)) throw formatError(`the integer ${value} is out of range`);
  return number;
}

/** A protobuf int64 as the nearest number of at most 2^53 - 1 in size. */
export function nearestInteger(value: { toString(): string }): number {
  const { MAX_SAFE_INTEGER } = Number;
  return Math.min(MAX_SAFE_INTEGER, Math.max(-MAX_SAFE_INTEGER, Number(value.toString())));
}

export function formatError(what: string): SphynxError {
  return new SphynxError('model/format', `ONNX: ${what}`);
}
