/** A worker thread of the server: runs the server's roles of the protocol, several streams interleaved. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { KernelCache } from '../crypto/he/kernel-cache.ts';
import { asSphynxError, SphynxError } from '../errors/sphynx-error.ts';
import type { FixedNetwork } from '../model/network.ts';
import type { Channel } from '../protocol/channel.ts';
import { prepareServer } from '../protocol/offline.ts';
import { inferServer } from '../protocol/online.ts';
import { makePlan, type Plan } from '../protocol/plan.ts';
import { rehearseServer } from '../protocol/rehearsal.ts';
import { rehearsePreparation } from '../protocol/rehearse-preparation.ts';
import { closeSession, openServerSession, type ServerSession } from '../protocol/session.ts';
import { lowerThreadPriority } from '../transport/low-priority.ts';
import { PortChannel } from '../transport/port-channel.ts';
import { Rehearsals } from '../transport/rehearsals.ts';
import { logSteps } from '../transport/trace-log.ts';
import { OnlineFlag } from './scheduling/online-flag.ts';
import { ProcessorTurns } from './scheduling/processor-turns.ts';
import { TurnChannel } from './scheduling/turn-channel.ts';
import type { RoleJob, WorkerInput, WorkerJob, WorkerReport } from './worker-messages.ts';

const { networks, setting, kernelCacheBytes, work, online, tolerated } = workerData as WorkerInput;
const turns = new ProcessorTurns({ online: new OnlineFlag(online), tolerated });
const kernelCache = new KernelCache(kernelCacheBytes);
/** By hash. */
const models = new Map<string, { network: FixedNetwork; plan: Plan }>();
const rehearsals = new Rehearsals();

/** The session of each Preprocess stream, and the role that runs on it now or ran last. */
interface OpenSession {
  readonly session: Promise<ServerSession>;
  role: Promise<unknown>;
}
const sessions = new Map<string, OpenSession>();

if (work === 'preparations') lowerThreadPriority();
serve(networks);

logSteps('server');
const main = parentPort as MessagePort;
main.on('message', (job: WorkerJob) => {
  if (job.type === 'close') close(job.session);
  else if (job.type === 'models') serve(job.networks);
  else run(job);
});
report({ type: 'ready' });
if (work === 'preparations') rehearsals.begin(rehearsePreparation, 1);

function serve(wanted: readonly FixedNetwork[]): void {
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

async function run(job: RoleJob): Promise<void> {
  rehearsals.stop();
  // On demand only: what follows the segments of this role belongs to the main thread.
  const channel = new PortChannel(job.port, { prefetch: 0 });
  try {
    await play(job, channel);
    channel.end();
  } catch (error) {
    const failure = asSphynxError(error);
    if (failure.code === 'internal')
      report({ type: 'fault', job: job.type, detail: String((error as Error)?.stack) });
    channel.fail(failure);
  }
}

async function play(job: RoleJob, channel: Channel): Promise<void> {
  if (job.type === 'infer') {
    const { network, plan } = known(models.get(job.model), 'model');
    return inferServer(plan, network, channel, job.secrets);
  }
  const inTurns = new TurnChannel(channel, turns, job.client);
  if (job.type === 'open') {
    const session = inTurns.play((segments) => openServerSession(segments, kernelCache));
    sessions.set(job.session, { session, role: session });
    const { ot } = await session;
    report({ type: 'opened', session: job.session, delta: ot.delta });
    return;
  }
  const { network, plan } = known(models.get(job.model), 'model');
  const open = known(sessions.get(job.session), 'session');
  const session = await open.session;
  open.role = inTurns.play((segments) => prepareServer(session, plan, network, segments, job.bundleSeed));
  await open.role;
  report({ type: 'prepared', model: job.model, processorMs: inTurns.processorMs });
}

/** Frees a session once the role on it has noticed that its port is gone. */
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

function report(message: WorkerReport): void {
  main.postMessage(message);
}
