import { join } from 'node:path';
import type { Inferred, Prepared } from './client-process.ts';
import { randomInput, requireCorrect } from './input.ts';
import { benchModel } from './model.ts';
import { type Party, withParties } from './party.ts';
import { type Spread, spread } from './statistics.ts';

/** The effect of preparing clients on the inferences of another one: times in ms. */
export interface Contention {
  readonly model: string;
  readonly repeat: number;
  readonly aloneMs: Spread;
  readonly contendedMs: Spread;
  /** Growth of the median: 0.6 is 60 %. */
  readonly growth: number;
  /** Time of one bundle while the measured client is idle and two clients prepare. */
  readonly preparingMs: Spread;
  /** Bundles that each preparing client finished while the inferences were timed. */
  readonly bundles: readonly number[];
}

/** Clients that prepare continuously. */
const PREPARING = 2;

/** Pause between two inferences (ms), as of a person or a camera. */
const THINK_MS = 100;

/**
 * Times one client's inferences alone, then while two others prepare bundles continuously; four processes share the
 * machine. Throws 'internal' if a result differs from the integer executor's.
 */
export async function measureContention(model: string, repeat: number): Promise<Contention> {
  const network = await benchModel(model);
  return withParties(async (start, folder) => {
    const server = await start<{ port: number }>('server-process.ts', [
      model,
      join(folder, 'server'),
      'fast',
    ]);
    const client = (name: string) =>
      start('client-process.ts', [String(server.ready.port), join(folder, name)]);
    const measured = await client('measured');
    const others = [];
    for (let i = 0; i < PREPARING; i++) others.push(await client(`preparing-${i}`));
    const image = randomInput(network);
    const warmUp = 3;
    await measured.ask<Prepared[]>('prepare', 2 * (warmUp + repeat));
    const classify = () => measured.ask<Inferred>('classify', image);
    const alone = await timed(classify, warmUp, repeat);
    await requireCorrect(network, image, alone.last.logits);
    const preparing = others.map((other) => new Preparing(other));
    await Promise.all(preparing.map(({ first }) => first));
    const before = preparing.map(({ ms }) => ms.length);
    const contended = await timed(classify, warmUp, repeat);
    await requireCorrect(network, image, contended.last.logits);
    const bundles = preparing.map(({ ms }, i) => ms.length - before[i]);
    const during = preparing.map(({ ms }) => ms.length);
    await Promise.all(preparing.map((other, i) => other.reaches(during[i] + 2)));
    await Promise.all(preparing.map((other) => other.stop()));
    for (const party of [...others, measured, server]) await party.stop();
    return {
      model,
      repeat,
      aloneMs: spread(alone.ms),
      contendedMs: spread(contended.ms),
      growth: spread(contended.ms).median / spread(alone.ms).median - 1,
      preparingMs: spread(preparing.flatMap(({ ms }, i) => ms.slice(during[i] + 1))),
      bundles,
    };
  });
}

/** Describes the result for people. */
export function describeContention({
  aloneMs,
  contendedMs,
  growth,
  preparingMs,
  bundles,
}: Contention): string {
  const line = (name: string, { median, min, max }: Spread) =>
    `${name.padEnd(32)} median ${median.toFixed(1)} ms (${min.toFixed(1)} to ${max.toFixed(1)})`;
  return [
    line('online, alone', aloneMs),
    line(`online, ${PREPARING} clients preparing`, contendedMs),
    `growth of the median             ${(100 * growth).toFixed(0)} %`,
    line('one bundle, no inferences', preparingMs),
    `bundles meanwhile, per client    ${bundles.join(', ')}`,
  ].join('\n');
}

/** A client that prepares bundle after bundle. */
class Preparing {
  readonly ms: number[] = [];
  readonly first: Promise<void>;
  #stopping = false;
  #waiting: (() => void)[] = [];
  readonly #running: Promise<void>;

  constructor(party: Party<unknown>) {
    this.#running = this.#run(party);
    this.first = this.reaches(1);
  }

  /** Resolves when `count` bundles are ready; throws if the client fails before. */
  async reaches(count: number): Promise<void> {
    const more = () => new Promise<void>((resolve) => this.#waiting.push(resolve));
    while (this.ms.length < count) await Promise.race([more(), this.#running]);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #run(party: Party<unknown>): Promise<void> {
    while (!this.#stopping) {
      const [{ ms }] = await party.ask<Prepared[]>('prepare', 1);
      this.ms.push(ms);
      for (const resume of this.#waiting.splice(0)) resume();
    }
  }
}

async function timed(
  classify: () => Promise<Inferred>,
  warmUp: number,
  repeat: number,
): Promise<{ ms: number[]; last: Inferred }> {
  const ms: number[] = [];
  let last: Inferred | undefined;
  for (let i = -warmUp; i < repeat; i++) {
    last = await classify();
    if (i >= 0) ms.push(last.timings.onlineMs);
    await new Promise((resolve) => setTimeout(resolve, THINK_MS));
  }
  return { ms, last: last as Inferred };
}
