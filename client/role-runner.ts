/** Runners that play the client's roles: a separate thread in Node; in browsers the worker that runs the client. */
import type { Channel } from '../protocol/channel.ts';
import type { Agreement } from '../protocol/plan.ts';
import type { LocalRole, NetworkRole, RoleJobs } from './role-jobs.ts';

/** The destination of a role's segments, and the signal that stops it. */
export interface Network {
  readonly channel: Channel;
  /** Aborted with a SphynxError when the conversation breaks off. */
  readonly signal: AbortSignal;
}

/** Runs one job at a time for one user. */
export interface RoleRunner {
  readonly alive: boolean;

  /** Whether a role is being played. Once a role has failed by itself, it no longer is. */
  readonly playing: boolean;

  /** Sets whether the runner keeps the process alive. */
  hold(busy: boolean): void;

  /** Runs a job without communication. */
  call<Name extends LocalRole>(name: Name, given: RoleJobs[Name]['given']): Promise<RoleJobs[Name]['result']>;

  /** Plays a role against the server. Throws its failure or the network's, whichever comes first. */
  play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    network: Network,
  ): Promise<RoleJobs[Name]['result']>;

  /** Rehearses inferences of a model in the background, until the next job. */
  warm(agreement: Agreement): void;

  /** Stops the runner. When this resolves, it no longer accesses any file. */
  stop(): Promise<void>;
}

export type StartRoleRunner = () => RoleRunner;

/** Lends runners to callers, each to one caller at a time. */
export interface RunnerPool {
  /**
   * Runs `work` with a runner for its exclusive use. If `work` fails, the runner is stopped before this throws:
   * whatever it was computing or writing has ended.
   */
  with<Result>(
    signal: AbortSignal | undefined,
    work: (runner: RoleRunner) => Promise<Result>,
  ): Promise<Result>;
}
