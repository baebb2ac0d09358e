/** Which linear operators a value has gone through since the last layer: shared between values, as their paths are. */
export interface Trace {
  readonly operator: string;
  readonly from: readonly Trace[];
}

/** All operators on the paths, each once, first ones first. */
export function operatorsOf(traces: readonly Trace[]): string[] {
  const seen = new Set<Trace>();
  const stack = [...traces];
  for (let trace = stack.pop(); trace; trace = stack.pop()) {
    if (seen.has(trace)) continue;
    seen.add(trace);
    stack.push(...trace.from);
  }
  return [...seen].map(({ operator }) => operator).reverse();
}
