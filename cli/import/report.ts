import type { ImportedGraph } from '../../importer/import-onnx.ts';
import type { ModelCard } from '../../model/card.ts';
import { countFlags } from '../../model/element-bitmap.ts';
import type { FixedPointPlan } from '../../model/fixed-point/fixed-point-plan.ts';
import { type LayerRanges, wholeRange } from '../../model/fixed-point/ranges.ts';
import type { SquareBits } from '../../model/fixed-point/square-scales.ts';
import { elementsOf, reluCount } from '../../model/geometry.ts';
import type { InputKind } from '../../model/input-kind.ts';
import { bytes, counted, duration, table, whole } from '../units.ts';
import { giveOrTake } from './accuracy.ts';
import type { Agreement } from './agreement.ts';
import { SAME } from './answers.ts';
import type { Costs } from './costs.ts';
import type { MeasuredAccuracy } from './judge.ts';

/** All findings of `sphynx import` about a model. */
export interface ImportReport {
  readonly name: string;
  readonly nodes: ImportedGraph['nodes'];
  /** The model's inputs and outputs, in words. */
  readonly takes: string;
  readonly answers: string;
  readonly inputKind: InputKind;
  readonly head: ImportedGraph['head'];
  readonly warnings: readonly string[];
  /** Unused parts of the file. */
  readonly notes: readonly string[];
  readonly layers: readonly LayerReport[];
  readonly costs: Costs;
  readonly agreement: Agreement;
  /** Accuracy on inputs with labels; null without. */
  readonly accuracy: MeasuredAccuracy | null;
  /**
   * The reference of the agreement, and the importer's own largest error relative to it (null if the importer is the
   * reference).
   */
  readonly reference: string;
  readonly importError: number | null;
  /** Why it was not compared with onnxruntime; null if it was. */
  readonly notCompared: string | null;
  readonly calibration: {
    readonly source: string;
    readonly images: number;
    readonly random: boolean;
    /** Files that could not be read. */
    readonly skipped: number;
  };
  /** The folder that was written. */
  readonly folder: string | null;
}

export interface LayerReport {
  readonly name: string;
  /** channels x height x width. */
  readonly output: string;
  readonly relus: number;
  readonly linear: number;
  readonly squares: number;
  readonly ringBits: number | null;
  readonly dropBits: number | null;
  /**
   * Bits that are dropped before squaring, and bits by which the other elements are shifted up; null without squares.
   */
  readonly squareBits: SquareBits | null;
  /** Integer units per real unit, smallest and largest of the channels. */
  readonly scales: readonly [number, number];
  /** Largest magnitude in calibration. */
  readonly range: number;
  /** Root mean square of its rounding errors over that of its values. */
  readonly loss: number;
  /** The graph's linear operators that it computes. */
  readonly operators: readonly string[];
  /** The cut values without an activation in the graph, and why they were cut. */
  readonly cuts: ImportedGraph['origins'][number]['cuts'];
}

export function layerReports(
  card: ModelCard,
  plan: FixedPointPlan,
  ranges: readonly LayerRanges[],
  losses: readonly number[],
  origins: ImportedGraph['origins'],
): LayerReport[] {
  return card.layers.map((layer, l) => {
    const { name, output, gadget, linear, squares } = layer;
    const scales = plan.layers[l]?.scales ?? [2 ** plan.logitScaleBits];
    const squared = countFlags(squares?.elements ?? null);
    // Squares do not use k and f.
    const bits = squared < elementsOf(output) ? gadget : null;
    return {
      name,
      output: `${output.channels}x${output.height}x${output.width}`,
      relus: gadget ? reluCount(layer) : 0,
      linear: countFlags(linear),
      squares: squared,
      ringBits: bits?.ringBits ?? null,
      dropBits: bits?.dropBits ?? null,
      squareBits: plan.layers[l]?.squares ?? null,
      scales: [Math.min(...scales), Math.max(...scales)],
      range: Math.max(...wholeRange(ranges[l])),
      loss: losses[l],
      ...origins[l],
    };
  });
}

/** Formats the report for people. */
export function describeImport(report: ImportReport): string {
  const { layers, costs, agreement } = report;
  const worst = layers.reduce((most, layer) => (layer.loss > most.loss ? layer : most));
  const fused = layers.filter(({ operators }) => operators.length > 1);
  const cuts = layers.filter(({ cuts }) => cuts.length > 0);
  return [
    `${report.name}: ${Object.entries(report.nodes)
      .map(([type, count]) => `${count} ${type}`)
      .join(', ')}`,
    `takes ${report.takes}; answers ${report.answers}`,
    report.head.operators.length > 0
      ? `${report.head.operators.join(' and ')} at the end: left to the client`
      : null,
    ...report.notes,
    '',
    layerTable(layers),
    '',
    fused.length > 0 ? 'fused, exactly:' : null,
    ...fused.map(({ name, operators }) => `  ${name}: ${operators.join(', ')}`),
    cuts.length > 0 ? 'cut, at 20 bytes online per element:' : null,
    ...cuts.map(describeCuts),
    '',
    `${whole(costs.relus)} ReLUs, ${whole(costs.squares)} squares, ${whole(costs.linearElements)} linear elements, ${whole(costs.macs)} products, ${counted(costs.rounds, 'round trip')}`,
    `offline: ${bytes(costs.offlineBytes.up)} up, ${bytes(costs.offlineBytes.down)} down, ${bytes(costs.bundleBytes)} stored by the client`,
    `online: ${bytes(costs.onlineBytes.up)} up, ${bytes(costs.onlineBytes.down)} down`,
    '',
    table(
      ['NETWORK', 'OFFLINE', 'ONLINE'],
      costs.times.map(({ network, offlineMs, onlineMs }) => [
        network,
        duration(offlineMs),
        duration(onlineMs),
      ]),
    ),
    'times: bytes are exact; computation is estimated for this machine on one core, both parties in turn',
    '',
    `calibrated on ${counted(report.calibration.images, 'input')} (${report.calibration.source})`,
    report.importError === null
      ? null
      : `the composed network gives the logits of ${report.reference} to ${report.importError.toExponential(1)} of the largest`,
    report.notCompared === null
      ? null
      : `the composed network was not compared with onnxruntime, which cannot run this file: ${report.notCompared}`,
    `fixed point against ${report.reference} on ${counted(agreement.images, 'input')}: ${SAME[report.head.head]} on ${agreement.sameAnswer.toFixed(1)}%, outputs off by ${agreement.meanError.toPrecision(2)} on average, ${agreement.maxError.toPrecision(2)} at most (they spread by ${agreement.spread.toPrecision(2)})`,
    report.accuracy && describeAccuracy(report.accuracy),
    `${worst.name} loses most: ${(100 * worst.loss).toFixed(2)}% of its values`,
    '',
    report.folder === null
      ? 'nothing was written: --out FOLDER writes a model for `sphynx serve --model FOLDER`'
      : `written to ${report.folder}: \`sphynx serve --model ${report.folder}\` serves it`,
  ]
    .filter((line) => line !== null)
    .join('\n');
}

function describeAccuracy({
  images,
  float,
  fixed,
  agreement,
  rangeUsedPercent,
  tested,
}: MeasuredAccuracy): string {
  const inputs = counted(images, tested ? 'test input' : 'labelled input');
  const chance = giveOrTake(float, images).toFixed(1);
  return `accuracy on ${inputs}, with the random roundings of a private inference: float ${float}%, fixed point ${fixed}% (both give or take ${chance} points), same class ${agreement}%; the largest value used ${rangeUsedPercent}% of its range`;
}

function describeCuts({ name, linear, relus, cuts }: LayerReport): string {
  const values = cuts.map(({ value, reason }) => `${value} ${reason}`).join('\n    ');
  const price = relus > 0 ? 'along with its ReLUs' : 'one round trip more';
  return `  layer ${name}, ${whole(linear)} elements, ${price}:\n    ${values}`;
}

function layerTable(layers: readonly LayerReport[]): string {
  const squared = layers.some(({ squareBits }) => squareBits !== null);
  const header = [
    ...['LAYER', 'OUTPUT', 'RELUS', 'LINEAR', ...(squared ? ['SQUARES'] : []), 'K', 'F'],
    ...[...(squared ? ['G', 'SHIFT'] : []), 'SCALE', 'LARGEST', 'LOSS', 'OPERATORS'],
  ];
  const rows = layers.map((layer) => [
    layer.name,
    layer.output,
    layer.relus,
    layer.linear,
    ...(squared ? [layer.squares] : []),
    String(layer.ringBits ?? '-'),
    String(layer.dropBits ?? '-'),
    ...(squared
      ? [String(layer.squareBits?.dropBits ?? '-'), String(layer.squareBits?.shiftBits ?? '-')]
      : []),
    layer.scales.map((scale) => scale.toPrecision(3)).join(' .. '),
    layer.range.toPrecision(3),
    `${(100 * layer.loss).toFixed(2)}%`,
    layer.operators.length,
  ]);
  return table(header, rows);
}
