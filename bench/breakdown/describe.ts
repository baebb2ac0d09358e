import { type BreakdownEntry, stepFigures } from './entry.ts';

/** Formats a table of medians for people. */
export function describeBreakdown(entry: BreakdownEntry): string {
  const { name, network, figures } = entry;
  const total = figures['total ms'];
  return [
    `${name} over ${network}: median ${total.median.toFixed(1)} ms (${total.min.toFixed(1)} to ${total.max.toFixed(1)}), ${total.samples.length} runs`,
    ...(figures['online ms'] ? [`  of these online ${figures['online ms'].median.toFixed(1)} ms`] : []),
    ...stepFigures(entry).map(({ party, step, figure: { median, min, max } }) => {
      const share = `${((100 * median) / total.median).toFixed(0)} %`;
      const range = `(${min.toFixed(1)} to ${max.toFixed(1)})`;
      return `  ${party}  ${step.padEnd(18)}${median.toFixed(1).padStart(8)} ms ${share.padStart(5)}  ${range}`;
    }),
  ].join('\n');
}
