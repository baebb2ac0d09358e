import { createBundle, openBundle } from '#client/bundle-body';
import type { Channel } from '../protocol/channel.ts';
import { prepareClient } from '../protocol/offline.ts';
import { type Inferred, inferClient } from '../protocol/online.ts';
import { type Agreement, makePlan, type Plan, planHash } from '../protocol/plan.ts';
import { type ClientSession, closeSession, openClientSession } from '../protocol/session.ts';
import { Rehearsals } from '../threads/rehearsals.ts';
import { rehearseClient } from '../threads/rehearse-inference.ts';
import type { BundleBody } from './bundle-header.ts';
import { planFacts } from './plan-facts.ts';
import type { LocalPlayers, LocalRole, NetworkPlayers, NetworkRole, RoleJobs } from './role-jobs.ts';

/** The client's roles of the protocol, one job at a time, between a channel and bundle files. */
export class Roles {
  #session: ClientSession | undefined;
  #known: Plan | undefined;
  readonly #rehearsals: Rehearsals;

  /**
   * @param session one that is open already
   * @param rehearsals those of this thread, if other roles share it
   */
  constructor(session?: ClientSession, rehearsals = new Rehearsals()) {
    this.#session = session;
    this.#rehearsals = rehearsals;
  }

  /**
   * Rehearses inferences of a model in the background, until the next job. Does nothing in a thread that has already
   * run an inference.
   */
  warm(agreement: Agreement): void {
    this.#rehearsals.begin((pause) => rehearseClient(this.#planOf(agreement), pause));
  }

  /** Runs a job without communication. It does not interrupt rehearsals. */
  call<Name extends LocalRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
  ): Promise<RoleJobs[Name]['result']> {
    return this.#local[name](given);
  }

  /** Plays a role against the server's half, behind `channel`. */
  play<Name extends NetworkRole>(
    name: Name,
    given: RoleJobs[Name]['given'],
    channel: Channel,
  ): Promise<RoleJobs[Name]['result']> {
    this.#rehearsals.stop();
    return this.#network[name](given, channel);
  }

  readonly #local: LocalPlayers = {
    load: async ({ agreement }) => planFacts(this.#planOf(agreement)),
    close: async () => {
      if (this.#session) closeSession(this.#session);
      this.#session = undefined;
      return undefined;
    },
  };

  readonly #network: NetworkPlayers = {
    open: async (_, channel) => {
      this.#session = await openClientSession(channel);
      return undefined;
    },
    prepare: (given, channel) => this.#prepare(given, channel),
    infer: (given, channel) => this.#infer(given, channel),
  };

  async #prepare({ agreement, path }: RoleJobs['prepare']['given'], channel: Channel): Promise<BundleBody> {
    const writer = createBundle(path);
    try {
      await prepareClient(this.#session as ClientSession, this.#planOf(agreement), channel, writer);
    } catch (error) {
      await writer.close();
      throw error;
    }
    return writer.finish();
  }

  async #infer(
    { agreement, path, body, image }: RoleJobs['infer']['given'],
    channel: Channel,
  ): Promise<Inferred> {
    const reader = openBundle(path, body);
    try {
      const result = await inferClient(this.#planOf(agreement), channel, reader, image);
      reader.check();
      return result;
    } finally {
      reader.close();
    }
  }

  /**
   * Returns the plan of a model. The last plan is cached, because deriving one costs more than a layer. A hostile
   * server can give two cards the same hash, so the cards themselves are compared.
   */
  #planOf(agreement: Agreement): Plan {
    if (this.#known?.hash !== planHash(agreement)) this.#known = makePlan(agreement.card, agreement.setting);
    return this.#known;
  }
}
