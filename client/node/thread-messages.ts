/** What the client's own thread and a role thread say to each other. Segments go over the ports in these messages. */
import type { MessagePort } from 'node:worker_threads';
import type { Agreement } from '../../protocol/plan.ts';
import type { RoleJobs, RoleName } from '../role-jobs.ts';

export type ToThread =
  /** A job, with the port of its channel if it talks to the server. A thread does one at a time, and reports its end. */
  | {
      readonly type: 'job';
      readonly name: RoleName;
      readonly given: RoleJobs[RoleName]['given'];
      readonly port?: MessagePort;
    }
  /** Asks a thread that waits for a job to rehearse inferences of a model. It reports nothing, and makes way for jobs. */
  | { readonly type: 'warm'; readonly agreement: Agreement };

export type Report<Name extends RoleName = RoleName> =
  | { readonly type: 'done'; readonly result: RoleJobs[Name]['result'] }
  | { readonly type: 'failed'; readonly code: string; readonly message: string; readonly detail: string };
