import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TRACE_FOLDER } from '../../threads/node/trace-log.ts';
import type { NetworkProfile } from '../../transport/network-profiles.ts';
import type { Inferred, Prepared } from '../client-process.ts';
import type { PinnedCores } from '../cores.ts';
import { randomInput, requireCorrect } from '../input.ts';
import { benchModel } from '../model.ts';
import { networkTo } from '../network/between.ts';
import { withParties } from '../party.ts';
import { readSteps } from '../trace.ts';
import { type BreakdownEntry, breakdownEntry } from './entry.ts';
import { operationsOf } from './steps.ts';

export interface BreakdownOptions {
  /** Recorded preparations and inferences, alternating. */
  readonly repeat: number;
  /** Unrecorded runs before. */
  readonly warmUp: number;
  readonly network: NetworkProfile;
  readonly cores: PinnedCores | null;
  /** Called with progress messages for people. */
  readonly note: (text: string) => void;
}

/** Time until threads have written their last steps (ms): several times their buffering delay. */
const WRITTEN_MS = 200;

/** Records both parties' steps. Throws 'internal' if a private result differs from the integer executor's. */
export async function recordBreakdown(model: string, options: BreakdownOptions): Promise<BreakdownEntry[]> {
  const { repeat, warmUp, network, cores, note } = options;
  const fixed = await benchModel(model);
  const image = randomInput(fixed);
  return withParties(async (start, folder) => {
    const traces = join(folder, 'traces');
    mkdirSync(traces);
    const env = { [TRACE_FOLDER]: traces };
    const server = await start<{ port: number }>(
      'server-process.ts',
      [model, join(folder, 'server'), 'fast'],
      { env, cores: cores?.server },
    );
    const port = await networkTo(server.ready.port, network, start);
    const client = await start('client-process.ts', [String(port), join(folder, 'client')], {
      ...{ env, cores: cores?.client },
    });
    const preparations: Times[] = [];
    const inferences: Times[] = [];
    const onlineMs: number[] = [];
    for (let i = -warmUp; i < repeat; i++) {
      note(i < 0 ? `${model}: warming up` : `${model}: ${i + 1} of ${repeat}`);
      const prepared = await timed(() => client.ask<Prepared[]>('prepare', 1));
      const inferred = await timed(() => client.ask<Inferred>('classify', image));
      await requireCorrect(fixed, image, inferred.result.logits);
      if (i < 0) continue;
      preparations.push(prepared);
      inferences.push(inferred);
      onlineMs.push(inferred.result.timings.onlineMs);
    }
    await sleep(WRITTEN_MS);
    const steps = readSteps(traces);
    for (const party of [client, server]) await party.stop();
    return [
      breakdownEntry(model, 'preparation', network.name, operationsOf(preparations, steps)),
      breakdownEntry(model, 'inference', network.name, operationsOf(inferences, steps), {
        'online ms': onlineMs,
      }),
    ];
  });
}

interface Times {
  readonly start: number;
  readonly end: number;
}

async function timed<Result>(work: () => Promise<Result>): Promise<Times & { result: Result }> {
  const now = () => performance.timeOrigin + performance.now();
  const start = now();
  const result = await work();
  return { start, end: now(), result };
}
