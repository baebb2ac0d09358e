import { type Entry, entryHead, sampled } from '../results.ts';
import { figuresOf, type Operation, PARTIES, typical } from './steps.ts';

export type Party = (typeof PARTIES)[number];

/** A step of the drawn run, in ms from the call. */
export interface TimedStep {
  readonly party: Party;
  readonly name: string;
  readonly layer: number;
  readonly start: number;
  readonly ms: number;
}

/** One model's preparations or inferences, with the figures of `figuresOf` and others. */
export interface BreakdownEntry extends Entry {
  readonly model: string;
  readonly phase: 'preparation' | 'inference';
  /** Timeline of the run of median length. */
  readonly timeline: { readonly ms: number; readonly steps: readonly TimedStep[] };
}

export function breakdownEntry(
  model: string,
  phase: BreakdownEntry['phase'],
  network: string,
  operations: readonly Operation[],
  others: Readonly<Record<string, readonly number[]>> = {},
): BreakdownEntry {
  const { start, end, steps } = typical(operations);
  const rounded = (ms: number) => Math.round(1000 * ms) / 1000;
  const figures = Object.entries({ ...figuresOf(operations), ...others }).map(([name, ms]) => [
    name,
    sampled(ms),
  ]);
  return {
    ...entryHead(`${model}, ${phase}`, network),
    ...{ model, phase, figures: Object.fromEntries(figures) },
    timeline: {
      ms: rounded(end - start),
      steps: steps.map(({ party, name, layer, at, ms }) => ({
        ...{ party, name, layer, start: rounded(at - start), ms: rounded(ms) },
      })),
    },
  };
}

/** A line of the table: a party's step and its time per run. */
export interface StepFigure {
  readonly party: Party;
  readonly step: string;
  readonly figure: BreakdownEntry['figures'][string];
}

/** Both parties' steps, each party's longest first and its waiting last. */
export function stepFigures({ figures }: BreakdownEntry): StepFigure[] {
  return PARTIES.flatMap((party) =>
    Object.entries(figures)
      .filter(([name]) => name.startsWith(`${party} `))
      .map(([name, figure]) => ({ party, step: name.slice(party.length + 1, -' ms'.length), figure }))
      .sort(
        (a, b) =>
          Number(a.step === 'waiting') - Number(b.step === 'waiting') || b.figure.median - a.figure.median,
      ),
  );
}
