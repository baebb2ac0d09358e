import { join } from 'node:path';
import type { NetworkProfile } from '../transport/network-profiles.ts';
import type { Inferred } from './client-process.ts';
import { randomInput, requireCorrect } from './input.ts';
import { benchModel } from './model.ts';
import { networkTo } from './network/between.ts';
import { withParties } from './party.ts';
import { type Spread, spread } from './statistics.ts';

/** Times of one client for lists of inputs: one after another, and several at once. */
export interface Many {
  readonly model: string;
  readonly network: string;
  readonly lists: readonly {
    readonly inputs: number;
    readonly oneByOneMs: Spread;
    readonly atOnceMs: Spread;
  }[];
}

/** Inputs in a list. */
const LENGTHS = [1, 4, 16];

/**
 * Times lists in both ways, alternately, and compares the last result with the integer executor. Throws 'internal' if
 * it differs.
 */
export async function measureMany(model: string, profile: NetworkProfile, repeat: number): Promise<Many> {
  const network = await benchModel(model);
  return withParties(async (start, folder) => {
    const server = await start<{ port: number }>('server-process.ts', [
      ...[model, join(folder, 'server'), 'fast'],
    ]);
    const port = await networkTo(server.ready.port, profile, start);
    const client = await start('client-process.ts', [String(port), join(folder, 'client')]);
    const input = randomInput(network);
    const timed = async (length: number, name: 'classifyAll' | 'classifyEach'): Promise<number> => {
      await client.ask('prepare', length);
      const { ms, last } = await client.ask<{ ms: number; last: Inferred }>(name, { input, length });
      await requireCorrect(network, input, last.logits);
      return ms;
    };
    // Every thread compiles its code.
    await timed(LENGTHS.at(-1) as number, 'classifyAll');
    const lists = [];
    for (const length of LENGTHS) {
      const [oneByOne, atOnce]: number[][] = [[], []];
      for (let i = 0; i < repeat; i++) {
        oneByOne.push(await timed(length, 'classifyEach'));
        atOnce.push(await timed(length, 'classifyAll'));
      }
      lists.push({ inputs: length, oneByOneMs: spread(oneByOne), atOnceMs: spread(atOnce) });
    }
    return { model, network: profile.name, lists };
  });
}

/** Describes the result for people. */
export function describeMany({ lists }: Many): string {
  const figure = ({ median, min, max }: Spread) =>
    `${median.toFixed(0)} ms (${min.toFixed(0)} to ${max.toFixed(0)})`;
  return lists
    .map(({ inputs, oneByOneMs, atOnceMs }) =>
      [
        `${String(inputs).padStart(2)} inputs:`,
        `one by one ${figure(oneByOneMs)},`,
        `several at once ${figure(atOnceMs)}`,
      ].join(' '),
    )
    .join('\n');
}
