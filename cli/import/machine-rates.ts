import { LABEL_BYTES } from '../../crypto/garbling/gadget.ts';
import { randomSeed } from '../../crypto/prg.ts';
import { randomImage } from '../../fixtures/random-image.ts';
import { randomModel } from '../../fixtures/sphynx-network.ts';
import { nearest, runInteger } from '../../model/executor.ts';
import type { FixedNetwork } from '../../model/network.ts';
import { MemoryBundle } from '../../protocol/memory-bundle.ts';
import { memoryChannel } from '../../protocol/memory-channel.ts';
import { prepareClient, prepareServer } from '../../protocol/offline.ts';
import { inferClient, inferServer } from '../../protocol/online.ts';
import { makePlan, type Plan } from '../../protocol/plan.ts';
import { closeSession, openClientSession, openServerSession } from '../../protocol/session.ts';

/** The computing speed of this machine, with both parties in one thread. */
export interface MachineRates {
  /** For a bundle: ms per ciphertext in either direction, and ms per byte of labels and tables. */
  readonly ciphertextMs: number;
  readonly tableMs: number;
  /** For an inference: ms per byte of online messages, without linear layers. */
  readonly onlineMs: number;
}

/** Two small networks: the time of one is mostly ReLUs, that of the other mostly ciphertexts. */
const PROBES = [
  { C: 8, D: 1, reduceAt: [], size: 24 },
  { C: 24, D: 2, reduceAt: [0], size: 8 },
];

/**
 * Measures the rates by preparing and running two small networks in this process, which gives two equations for two
 * rates.
 */
export async function machineRates(): Promise<MachineRates> {
  const networks = PROBES.map((shape) => randomModel({ ...shape, classes: 10 }));
  await rehearse(networks[1]); // the first run is not yet compiled
  const [relus, products] = [await rehearse(networks[0]), await rehearse(networks[1])];
  const [a, b] = [relus, products].map(({ plan }) => [ciphertextsOf(plan), tableBytesOf(plan)]);
  const determinant = a[0] * b[1] - b[0] * a[1];
  const ciphertextMs = Math.max(0, (relus.offlineMs * b[1] - products.offlineMs * a[1]) / determinant);
  const tableMs = Math.max(0, (products.offlineMs * a[0] - relus.offlineMs * b[0]) / determinant);
  const { up, down } = relus.plan.onlineBytes;
  return { ciphertextMs, tableMs, onlineMs: Math.max(0, relus.onlineMs - relus.linearMs) / (up + down) };
}

/** Ciphertexts of a bundle in both directions. */
export function ciphertextsOf({ he }: Plan): number {
  const up = he.tensors.reduce((sum, { ciphertexts }) => sum + ciphertexts, 0);
  return he.layers.flatMap(({ parts }) => parts).reduce((sum, { ciphertexts }) => sum + ciphertexts, up);
}

/** Bytes of labels and tables that both parties compute for a bundle; the client stores fewer for squares. */
export function tableBytesOf({ layers }: Plan): number {
  return layers
    .flatMap(({ chunks }) => chunks)
    .reduce((sum, { count, bytes }) => sum + count * (LABEL_BYTES * bytes.labels + bytes.tables), 0);
}

async function rehearse(network: FixedNetwork) {
  const plan = makePlan(network.card);
  const ends = memoryChannel();
  const [client, server] = await Promise.all([
    openClientSession(ends.client),
    openServerSession(ends.server),
  ]);
  const seed = randomSeed();
  const bundle = new MemoryBundle();
  const start = performance.now();
  await Promise.all([
    prepareClient(client, plan, ends.client, bundle),
    prepareServer(server, plan, network, ends.server, seed),
  ]);
  const prepared = performance.now();
  closeSession(client);
  closeSession(server);
  const image = randomImage(network, 1);
  const online = performance.now();
  await Promise.all([
    inferClient(plan, ends.client, bundle, image),
    inferServer(plan, network, ends.server, { seed, delta: server.ot.delta }),
  ]);
  const inferred = performance.now();
  runInteger(network, image, nearest);
  const linearMs = performance.now() - inferred;
  return { plan, offlineMs: prepared - start, onlineMs: inferred - online, linearMs };
}
