import { type LoadEntry, MOST_WAITING, percentile, sustainableRate } from './entry.ts';

/** One rate, for people. */
export function describeEntry({ model, rate, figures, waitingShare, prepared }: LoadEntry): string {
  const { samples } = figures.latencyMs;
  const at = (share: number) => `${percentile(samples, share).toFixed(0)} ms`.padStart(9);
  return [
    `${model}  ${rate.toFixed(2)} requests/s: ${String(samples.length).padStart(3)} requests`,
    `p50${at(0.5)}  p90${at(0.9)}  p99${at(0.99)}`,
    `waited ${(100 * waitingShare).toFixed(0).padStart(3)} %`,
    `prepared ${prepared.bundles} in ${(prepared.ms / 1000).toFixed(1)} s`,
  ].join('  ');
}

/** All rates of all models, and the highest sustained ones. */
export function describeLoad(entries: readonly LoadEntry[]): string {
  const models = [...new Set(entries.map(({ model }) => model))];
  return models
    .flatMap((model) => {
      const own = entries.filter((entry) => entry.model === model);
      const rate = sustainableRate(own);
      const most = `with at most ${100 * MOST_WAITING} % of the requests waiting for a bundle`;
      return [
        ...own.map(describeEntry),
        `${model}  sustainable: ${rate === undefined ? 'none of these rates' : `${rate.toFixed(2)} requests/s`} ${most}`,
      ];
    })
    .join('\n');
}
