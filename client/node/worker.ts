/** A role thread of the client: runs the client's roles of the protocol, so that the application's thread stays free. */
import type { MessagePort } from 'node:worker_threads';
import { answerCalls } from '../../platform/node/thread.ts';
import { lowerThreadPriority } from '../../threads/node/low-priority.ts';
import { logSteps } from '../../threads/node/trace-log.ts';
import { onPort } from '../../transport/on-port.ts';
import type { NetworkRole, RoleJobs } from '../role-jobs.ts';
import { Roles } from '../roles.ts';
import type { ThreadCalls } from './thread-calls.ts';

const roles = new Roles();

logSteps('client');
answerCalls<ThreadCalls>({
  warm: (agreement) => roles.warm(agreement),
  load: (job) => roles.call('load', job),
  close: (job) => roles.call('close', job),
  open: ({ job, port }) => {
    // Preparations have their own threads and may wait for everything else.
    lowerThreadPriority();
    return play('open', job, port);
  },
  prepare: ({ job, port }) => play('prepare', job, port),
  infer: ({ job, port }) => play('infer', job, port),
});

function play<Name extends NetworkRole>(
  name: Name,
  job: RoleJobs[Name]['given'],
  port: MessagePort,
): Promise<RoleJobs[Name]['result']> {
  return onPort(port, (channel) => roles.play(name, job, channel));
}
