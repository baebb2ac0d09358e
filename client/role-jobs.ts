/** The jobs of the client's roles and their results. */
import type { Channel } from '../protocol/channel.ts';
import type { Inferred } from '../protocol/online.ts';
import type { Agreement, Plan } from '../protocol/plan.ts';
import type { BundleBody } from './bundle-header.ts';

/** The facts about a plan that the client's own thread needs. */
export type PlanFacts = Pick<Plan, 'hash' | 'sessionBytes' | 'offlineBytes' | 'bundleBytes' | 'rounds'>;

/** A session is opened once per Preprocess stream and closed at its end. */
export interface RoleJobs {
  /** Derives the plan, which takes long for a hostile card, and keeps it for the jobs that follow. */
  load: { given: { readonly agreement: Agreement }; result: PlanFacts };
  open: { given: object; result: undefined };
  /** Writes the body of a new bundle to `path`. */
  prepare: { given: { readonly agreement: Agreement; readonly path: string }; result: BundleBody };
  close: { given: object; result: undefined };
  /** Spends the bundle at `path` on an image of integers. */
  infer: {
    given: {
      readonly agreement: Agreement;
      readonly path: string;
      readonly body: BundleBody;
      readonly image: Int32Array;
    };
    result: Inferred;
  };
}

export type RoleName = keyof RoleJobs;

/** The jobs without communication. */
export type LocalRole = 'load' | 'close';

/** The jobs that communicate with the server's half of the role. */
export type NetworkRole = Exclude<RoleName, LocalRole>;

/** Runs each job without communication. */
export type LocalPlayers = {
  readonly [Name in LocalRole]: (given: RoleJobs[Name]['given']) => Promise<RoleJobs[Name]['result']>;
};

/** Plays each role against the server's half, behind `channel`. */
export type NetworkPlayers = {
  readonly [Name in NetworkRole]: (
    given: RoleJobs[Name]['given'],
    channel: Channel,
  ) => Promise<RoleJobs[Name]['result']>;
};
