import type { ModelCard } from '../../model/card.ts';
import type { FixedPointPlan } from '../../model/fixed-point/planner.ts';
import { LINEAR_ERROR } from '../../model/linear-error.ts';

/**
 * The plan as a table for people: per layer its output, k, f, scales (integer units per real unit), and
 * the standard deviation of the errors that encryption adds, in units of what is kept.
 */
export function planTable(card: ModelCard, plan: FixedPointPlan): string {
  const rows = card.layers.map(({ name, output, gadget }, l) => {
    const scales = plan.layers[l]?.scales ?? [2 ** plan.logitScaleBits];
    return [
      name,
      `${output.channels}x${output.height}x${output.width}`,
      gadget ? String(gadget.ringBits) : '-',
      gadget ? String(gadget.dropBits) : '-',
      `${Math.min(...scales).toPrecision(3)} .. ${Math.max(...scales).toPrecision(3)}`,
      (LINEAR_ERROR / 2 ** (plan.layers[l]?.squares?.dropBits ?? gadget?.dropBits ?? 0)).toPrecision(2),
    ];
  });
  const table = [['layer', 'output', 'k', 'f', 'scale', 'error'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
