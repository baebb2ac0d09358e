import { SphynxError } from '../../errors/sphynx-error.ts';
import { type Machine, thisMachine } from '../machine.ts';
import { ciphers } from './aes.ts';
import { argmaxes } from './argmax.ts';
import { convolutions, polynomials } from './arithmetic.ts';
import { encryptions } from './encryptions.ts';
import { type KernelFigures, measureEntry } from './entry.ts';
import { gadgets, streams, transfers } from './gadgets.ts';
import { halfGates, passes } from './labels.ts';

export interface KernelReport {
  readonly machine: Machine;
  readonly kernels: readonly KernelFigures[];
}

/**
 * Measures every kernel and gadget whose name contains `only`, on this thread, with `budgetMs` for each timed run.
 * Throws if one computes wrongly, and 'config/invalid' if no name matches.
 */
export async function measureKernels(budgetMs: number, only = ''): Promise<KernelReport> {
  const groups = [
    ...[convolutions, polynomials, passes, ciphers, halfGates],
    ...[gadgets, argmaxes, transfers, streams],
  ].map((group) => group());
  const kernels = [...groups, await encryptions()].flatMap((group) =>
    group.filter(({ name }) => name.includes(only)).map((entry) => measureEntry(entry, budgetMs)),
  );
  if (kernels.length === 0) throw new SphynxError('config/invalid', `no kernel has '${only}' in its name`);
  return { machine: thisMachine(), kernels };
}

/** The report as a table. */
export function describeKernels({ kernels }: KernelReport): string {
  const header = ['', 'per second', 'bytes/s', 'reference', 'floor'];
  const rows = kernels.map(({ name, unit, opsPerSecond, bytesPerSecond, ratio, floor }) => [
    name,
    `${short(opsPerSecond)} ${unit}`,
    bytesPerSecond === null ? '' : `${short(bytesPerSecond)}B`,
    ratio === null ? '' : `x ${ratio.toFixed(1)}`,
    floor === null ? '' : `${short(floor)} ${opsPerSecond >= floor ? 'ok' : 'BELOW'}`,
  ]);
  const widths = header.map((_, c) => Math.max(...[header, ...rows].map((row) => row[c].length)));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, c) => cell.padEnd(widths[c]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** '26.1 G', '530 k'. */
function short(value: number): string {
  const power = Math.min(3, Math.max(0, Math.floor(Math.log10(value) / 3)));
  return `${(value / 1000 ** power).toPrecision(3)} ${['', 'k', 'M', 'G'][power]}`;
}
