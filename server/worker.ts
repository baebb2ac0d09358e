/** A worker thread of the server: runs the server's roles of the protocol, several streams interleaved. */
import { workerData } from 'node:worker_threads';
import { KernelCache } from '../crypto/he/kernel-cache.ts';
import { SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import { answerCalls } from '../platform/node/thread.ts';
import { prepareServer } from '../protocol/offline.ts';
import { inferServer } from '../protocol/online.ts';
import { makePlan, type Plan } from '../protocol/plan.ts';
import { closeSession, openServerSession, type ServerSession } from '../protocol/session.ts';
import { lowerThreadPriority } from '../threads/node/low-priority.ts';
import { logSteps } from '../threads/node/trace-log.ts';
import { Rehearsals } from '../threads/rehearsals.ts';
import { rehearseServer } from '../threads/rehearse-inference.ts';
import { rehearsePreparation } from '../threads/rehearse-preparation.ts';
import { onPort } from '../transport/on-port.ts';
import { OnlineFlag } from './scheduling/online-flag.ts';
import { ProcessorTurns } from './scheduling/processor-turns.ts';
import { TurnChannel } from './scheduling/turn-channel.ts';
import type { WorkerCalls, WorkerInput } from './worker-calls.ts';

const { setting, kernelCacheBytes, work, online, tolerated } = workerData as WorkerInput;
const turns = new ProcessorTurns({ online: new OnlineFlag(online), tolerated });
const kernelCache = new KernelCache(kernelCacheBytes);
/** By hash. */
const models = new Map<string, { network: FixedNetwork; plan: Plan }>();
const rehearsals = new Rehearsals();

/** The session of a Preprocess stream, and its current or last role. */
interface OpenSession {
  readonly session: Promise<ServerSession>;
  role: Promise<unknown>;
}
const sessions = new Map<string, OpenSession>();

logSteps('server');
if (work === 'preparations') {
  lowerThreadPriority();
  rehearsals.begin(rehearsePreparation, 1);
}
answerCalls<WorkerCalls>({ serve, open, prepare, infer, close });

function serve(wanted: WorkerCalls['serve']['given']): void {
  const hashes = new Set(wanted.map(({ card }) => card.hash));
  for (const hash of models.keys()) if (!hashes.has(hash)) models.delete(hash);
  for (const network of wanted) {
    const { card } = network;
    if (models.has(card.hash)) continue;
    const plan = makePlan(card, setting);
    models.set(card.hash, { network, plan });
    if (work === 'inferences') rehearsals.begin((pause) => rehearseServer(plan, network, pause));
  }
}

async function open({ session: name, client, port }: WorkerCalls['open']['given']): Promise<Uint8Array> {
  rehearsals.stop();
  return onPort(port, async (channel) => {
    const session = new TurnChannel(channel, turns, client).play((segments) =>
      openServerSession(segments, kernelCache),
    );
    sessions.set(name, { session, role: session });
    return (await session).ot.delta;
  });
}

async function prepare(given: WorkerCalls['prepare']['given']): Promise<number> {
  rehearsals.stop();
  return onPort(given.port, async (channel) => {
    const { network, plan } = known(models.get(given.model), 'model');
    const open = known(sessions.get(given.session), 'session');
    const session = await open.session;
    const inTurns = new TurnChannel(channel, turns, given.client);
    const role = inTurns.play((segments) =>
      prepareServer(session, plan, network, segments, given.bundleSeed),
    );
    open.role = role;
    await role;
    return inTurns.processorMs;
  });
}

async function infer({ model, secrets, port }: WorkerCalls['infer']['given']): Promise<void> {
  rehearsals.stop();
  return onPort(port, async (channel) => {
    const { network, plan } = known(models.get(model), 'model');
    await inferServer(plan, network, channel, secrets);
  });
}

/** Frees a session once its role has noticed that its port is closed. */
async function close(name: string): Promise<void> {
  const open = sessions.get(name);
  sessions.delete(name);
  await open?.role.catch(() => {});
  await open?.session.then(closeSession, () => {});
}

function known<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new SphynxError('internal', `a job for an unknown ${what}`);
  return value;
}
