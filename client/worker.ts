/** A role thread of the client: runs the client's roles of the protocol, so that the application's thread stays free. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { asSphynxError } from '../errors/sphynx-error.ts';
import type { Channel } from '../protocol/channel.ts';
import { prepareClient } from '../protocol/offline.ts';
import { inferClient } from '../protocol/online.ts';
import { type Agreement, makePlan, type Plan } from '../protocol/plan.ts';
import { type ClientSession, closeSession, openClientSession } from '../protocol/session.ts';
import { lowerThreadPriority } from '../transport/low-priority.ts';
import { PortChannel } from '../transport/port-channel.ts';
import { logSteps } from '../transport/trace-log.ts';
import { BundleReader, BundleWriter } from './bundle-body.ts';
import { planFacts } from './plan-facts.ts';
import type { Job, JobResults, Report } from './thread-messages.ts';

let session: ClientSession | undefined;
let known: Plan | undefined;

logSteps('client');
const main = parentPort as MessagePort;
main.on('message', run);

async function run(job: Job): Promise<void> {
  // On demand only: what follows the segments of this role belongs to the main thread.
  const channel = 'port' in job ? new PortChannel(job.port, { prefetch: 0 }) : undefined;
  try {
    const result = await play(job, channel as PortChannel);
    report({ type: 'done', result });
    channel?.end();
  } catch (error) {
    const failure = asSphynxError(error);
    const detail = failure.code === 'internal' ? String((error as Error)?.stack) : '';
    report({ type: 'failed', code: failure.code, message: failure.message, detail });
    channel?.fail(failure);
  }
}

async function play(job: Job, channel: Channel): Promise<JobResults[Job['type']]> {
  switch (job.type) {
    case 'load':
      return planFacts(planOf(job.agreement));
    case 'open':
      // Preparations have threads of their own, and may wait for everything else.
      lowerThreadPriority();
      session = await openClientSession(channel);
      return undefined;
    case 'prepare':
      return prepare(planOf(job.agreement), channel, job.path);
    case 'close':
      if (session) closeSession(session);
      session = undefined;
      return undefined;
    case 'infer':
      return infer(job, planOf(job.agreement), channel);
  }
}

async function prepare(plan: Plan, channel: Channel, path: string): Promise<JobResults['prepare']> {
  const writer = new BundleWriter(path);
  try {
    await prepareClient(session as ClientSession, plan, channel, writer);
  } catch (error) {
    writer.close();
    throw error;
  }
  return writer.finish();
}

async function infer(
  { path, body, image }: Extract<Job, { type: 'infer' }>,
  plan: Plan,
  channel: Channel,
): Promise<JobResults['infer']> {
  const reader = new BundleReader(path, body);
  try {
    const result = await inferClient(plan, channel, reader, image);
    reader.check();
    return result;
  } finally {
    reader.close();
  }
}

/** The plan of a model; the last one is kept, because deriving it costs more than a layer. */
function planOf({ card, setting }: Agreement): Plan {
  if (known?.card.hash !== card.hash || known.setting !== setting) known = makePlan(card, setting);
  return known;
}

function report(message: Report): void {
  main.postMessage(message);
}
