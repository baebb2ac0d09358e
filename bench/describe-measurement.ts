import type { Measurement } from './measure.ts';
import type { Spread } from './statistics.ts';

/** Describes a measurement for people, with its longest phases. */
export function describeMeasurement(figures: Measurement, phases = figures.phases.length): string {
  const { model, network, relus, macs, repeat, onlineMs, offlineMs, onlineBytes, offlineBytes, peakRss } =
    figures;
  const perRelu = ({ up, down }: { up: number; down: number }) => Math.round((up + down) / relus);
  const lines = [
    `${model} over ${network}: ${relus.toLocaleString('en-US')} ReLUs, ${(macs / 1e6).toFixed(0)} M multiply-accumulates`,
    `online   ${describeSpread(onlineMs)}, ${perRelu(onlineBytes)} bytes per ReLU, ${figures.rounds} rounds`,
    `offline  ${describeSpread(offlineMs)}, ${perRelu(offlineBytes)} bytes per ReLU`,
    `memory   server ${megabytes(peakRss.server)}, client ${megabytes(peakRss.client)}`,
    ...describeProcessor(figures),
    ...(phases > 0 ? [`computing, mean of ${repeat}:`] : []),
    ...figures.phases
      .slice(0, phases)
      .map(({ name, party, ms }) => `  ${party} ${name.padEnd(18)} ${ms.toFixed(1).padStart(8)} ms`),
  ];
  return lines.join('\n');
}

function describeProcessor({ cpuMs }: Measurement): string[] {
  const of = (party: 'server' | 'client') => {
    const { preparation, inference, together } = cpuMs;
    return `${together[party].toFixed(0)} ms (preparation ${preparation[party].toFixed(0)}, inference ${inference[party].toFixed(0)})`;
  };
  return [`processor time per image: server ${of('server')}, client ${of('client')}`];
}

function describeSpread({ median, min, max }: Spread): string {
  return `median ${median.toFixed(1)} ms (${min.toFixed(1)} to ${max.toFixed(1)})`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
