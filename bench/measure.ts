import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ClassifyInput } from '../client/index.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';
import { makePlan, type Traffic } from '../protocol/plan.ts';
import { type LoggedStep, TRACE_FOLDER } from '../threads/node/trace-log.ts';
import type { NetworkProfile } from '../transport/network-profiles.ts';
import type { Inferred, Prepared } from './client-process.ts';
import type { PinnedCores } from './cores.ts';
import { randomInput, requireCorrect } from './input.ts';
import { benchModel } from './model.ts';
import { networkTo } from './network/between.ts';
import { type Party, withParties } from './party.ts';
import { ProcessorMeter, type ProcessorMsPerImage } from './processor-time.ts';
import { type Sampled, sampled } from './results.ts';
import { type Phase, phasesOf, readSteps } from './trace.ts';

/** Largest size of the bundles on disk at a time (bytes); at least one bundle is always allowed. */
const BUNDLE_BYTES = 2e9;

export interface MeasureOptions {
  /** Timed bundles or inferences, after the warm-up. */
  readonly repeat: number;
  /** Untimed ones before, in which the processes compile their code and fill their caches. */
  readonly warmUp: number;
  /** Whether to time only bundles, with one inference for checking. */
  readonly offlineOnly: boolean;
  readonly setting: LabelEncoding;
  /** The network between the processes. */
  readonly network: NetworkProfile;
  /** Cores of each process; the system chooses if not given. */
  readonly cores?: PinnedCores | null;
  /** Arguments for Node of both processes, such as --cpu-prof. */
  readonly nodeArguments: readonly string[];
  /** Called with progress messages for people. */
  readonly note: (text: string) => void;
}

/** One network's figures: times in ms, bytes of payload (up is to the server). */
export interface Measurement {
  readonly model: string;
  readonly setting: LabelEncoding;
  readonly network: string;
  readonly relus: number;
  readonly macs: number;
  readonly repeat: number;
  readonly onlineMs: Sampled;
  /** Times per bundle. */
  readonly offlineMs: Sampled;
  readonly onlineBytes: Traffic;
  readonly offlineBytes: Traffic;
  readonly rounds: number;
  /** Computation of the parties, per bundle and inference, without waiting. */
  readonly phases: readonly Phase[];
  /** Largest resident memory of each process (bytes). */
  readonly peakRss: { readonly server: number; readonly client: number };
  /** Processor time per image of each process, including its workers (ms). */
  readonly cpuMs: ProcessorMsPerImage;
}

/**
 * Measures a model with a server and a client in separate processes, over gRPC on loopback. Throws 'internal' if a
 * private result differs from the integer executor's, so that no wrong computation is measured.
 */
export async function measure(
  name: string,
  options: MeasureOptions,
): Promise<{ measurement: Measurement; steps: LoggedStep[] }> {
  const network = await benchModel(name);
  return withParties(async (start, folder) => {
    const traces = join(folder, 'traces');
    mkdirSync(traces);
    const processOptions = (cores?: string) => ({
      ...{ env: { [TRACE_FOLDER]: traces }, nodeArguments: options.nodeArguments, cores },
    });
    options.note(`starting a server with ${name}`);
    const server = await start<{ port: number }>(
      'server-process.ts',
      [name, join(folder, 'server'), options.setting],
      processOptions(options.cores?.server),
    );
    const port = await networkTo(server.ready.port, options.network, start);
    const client = await start(
      'client-process.ts',
      [String(port), join(folder, 'client')],
      processOptions(options.cores?.client),
    );
    const image = randomInput(network);
    const meter = new ProcessorMeter({ server, client });
    const { prepared, inferred, since } = await run(client, meter, network, image, options);
    const peakRss = { client: await client.stop(), server: await server.stop() };
    await requireCorrect(network, image, inferred[0].logits);
    const steps = readSteps(traces).filter(({ at }) => at >= since);
    const { card } = network;
    const { up, down } = prepared[prepared.length - 1];
    const measurement = {
      model: name,
      setting: options.setting,
      network: options.network.name,
      relus: card.relus,
      macs: card.macs,
      repeat: options.repeat,
      onlineMs: sampled(inferred.map(({ timings }) => timings.onlineMs)),
      offlineMs: sampled(prepared.map(({ ms }) => ms)),
      onlineBytes: inferred[0].bytes.online,
      offlineBytes: { up, down },
      rounds: inferred[0].rounds,
      phases: phasesOf(steps, options.repeat),
      peakRss,
      cpuMs: meter.perImage,
    };
    return { measurement, steps };
  });
}

/** Alternately prepares and spends bundles, as many at a time as the limit on disk space allows. */
async function run(
  client: Party<unknown>,
  meter: ProcessorMeter,
  network: FixedNetwork,
  image: ClassifyInput,
  { repeat, warmUp, offlineOnly, setting, note }: MeasureOptions,
): Promise<{ prepared: Prepared[]; inferred: Inferred[]; since: number }> {
  const atOnce = Math.max(1, Math.floor(BUNDLE_BYTES / makePlan(network.card, setting).bundleBytes));
  const prepare = (count: number) => client.ask<Prepared[]>('prepare', count);
  for (let left = warmUp; left > 0; left--) {
    note('warming up');
    await prepare(1);
    await client.ask('classify', image);
  }
  const since = performance.timeOrigin + performance.now();
  const prepared: Prepared[] = [];
  const inferred: Inferred[] = [];
  while (prepared.length < repeat) {
    const batch = Math.min(atOnce, repeat - prepared.length);
    note(`bundles ${prepared.length + 1} to ${prepared.length + batch} of ${repeat}`);
    prepared.push(...(await meter.during('preparation', batch, () => prepare(batch))));
    const spent = offlineOnly ? 1 : batch;
    for (let i = 0; i < spent && (!offlineOnly || inferred.length === 0); i++)
      inferred.push(await meter.during('inference', 1, () => client.ask<Inferred>('classify', image)));
  }
  return { prepared, inferred, since };
}
