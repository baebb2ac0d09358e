import type { MessagePort } from 'node:worker_threads';
import type { Agreement } from '../../protocol/plan.ts';
import type { LocalRole, NetworkRole, RoleJobs } from '../role-jobs.ts';

/** The calls that a role thread answers. It does one job at a time. Segments go over the ports in these calls. */
export type ThreadCalls = {
  [Name in LocalRole]: RoleJobs[Name];
} & {
  [Name in NetworkRole]: {
    given: { readonly job: RoleJobs[Name]['given']; readonly port: MessagePort };
    result: RoleJobs[Name]['result'];
  };
} & {
  /** Warms up an idle thread with rehearsals of a model's inferences, until the next job. */
  warm: { given: Agreement };
};
