/** Who plays the client's roles: a thread of its own in Node; in browsers the worker that runs the client. */
import type { Channel } from '../protocol/channel.ts';
import type { Agreement } from '../protocol/plan.ts';
import type { LocalRole, NetworkRole, RoleJobs } from './role-jobs.ts';

/** Where the segments of a role go, and what stops it. */
export interface Network {
  readonly channel: Channel;
  /** Aborted with a SphynxError when the conversation breaks off. */
  readonly signal: AbortSignal;
}

/** Does one job at a time; whoever uses it, has it alone. */
export interface RoleRunner {
  readonly alive: boolean;

  /** Says whether the runner keeps the process running. */
  hold(busy: boolean): void;

  /** Runs a job that talks to nobody. */
  call<Name extends LocalRole>(name: Name, given: RoleJobs[Name]['given']): Promise<RoleJobs[Name]['result']>;

  /** Plays a role against the server. Throws its failure or the network's, whichever comes first. */
  play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    network: Network,
  ): Promise<RoleJobs[Name]['result']>;

  /** Rehearses inferences of a model in the background, until the next job. */
  warm(agreement: Agreement): void;

  /** Ends the runner. When this resolves, it touches no file any more. */
  stop(): Promise<void>;
}

export type StartRoleRunner = () => RoleRunner;

/** Lends runners to many callers: each caller has one to itself. */
export interface RunnerPool {
  /**
   * Runs `work` with a runner of its own. If `work` fails, the runner is stopped before this throws: whatever it
   * was computing or writing has ended.
   */
  with<Result>(
    signal: AbortSignal | undefined,
    work: (runner: RoleRunner) => Promise<Result>,
  ): Promise<Result>;
}
