/** Numbers from a file, row-major, with the sizes that the file gives them. */
export interface Table {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}
