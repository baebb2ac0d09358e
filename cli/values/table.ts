/** Numbers from a file, row-major, with their shape. */
export interface Table {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}
