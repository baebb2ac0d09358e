import { BundleReader, BundleWriter } from '#client/bundle-body';
import type { Channel } from '../protocol/channel.ts';
import { prepareClient } from '../protocol/offline.ts';
import { inferClient } from '../protocol/online.ts';
import { type Agreement, makePlan, type Plan, planHash } from '../protocol/plan.ts';
import { rehearseClient } from '../protocol/rehearsal.ts';
import { type ClientSession, closeSession, openClientSession } from '../protocol/session.ts';
import { Rehearsals } from '../transport/rehearsals.ts';
import { planFacts } from './plan-facts.ts';
import type { Job, JobResults } from './thread-messages.ts';

/** A job as its role sees it: what it says goes over a channel. */
export type RoleJob<Type extends Job['type'] = Job['type']> = Type extends unknown
  ? Omit<Extract<Job, { type: Type }>, 'port'>
  : never;

/** The client's roles of the protocol, one job at a time, between a channel and bundle files. */
export class Roles {
  #session: ClientSession | undefined;
  #known: Plan | undefined;
  #rehearsals: Rehearsals | undefined = new Rehearsals();

  /** @param session one that is open already */
  constructor(session?: ClientSession) {
    this.#session = session;
  }

  /** Rehearses inferences of a model in the background, until the next job. Runs nothing in a thread that has inferred. */
  warm(agreement: Agreement): void {
    this.#rehearsals?.begin((pause) => rehearseClient(this.#planOf(agreement), pause));
  }

  async play(job: RoleJob, channel: Channel): Promise<JobResults[Job['type']]> {
    // One that only derives a plan or frees a session leaves the thread idle again.
    if ('path' in job || job.type === 'open') this.#stopRehearsals();
    switch (job.type) {
      case 'load':
        return planFacts(this.#planOf(job.agreement));
      case 'open':
        this.#session = await openClientSession(channel);
        return undefined;
      case 'prepare':
        return this.#prepare(job, channel);
      case 'close':
        if (this.#session) closeSession(this.#session);
        this.#session = undefined;
        return undefined;
      case 'infer':
        return this.#infer(job, channel);
    }
  }

  async #prepare({ agreement, path }: RoleJob<'prepare'>, channel: Channel): Promise<JobResults['prepare']> {
    const writer = new BundleWriter(path);
    try {
      await prepareClient(this.#session as ClientSession, this.#planOf(agreement), channel, writer);
    } catch (error) {
      await writer.close();
      throw error;
    }
    return writer.finish();
  }

  async #infer(
    { agreement, path, body, image }: RoleJob<'infer'>,
    channel: Channel,
  ): Promise<JobResults['infer']> {
    const reader = new BundleReader(path, body);
    try {
      const result = await inferClient(this.#planOf(agreement), channel, reader, image);
      reader.check();
      return result;
    } finally {
      reader.close();
    }
  }

  #stopRehearsals(): void {
    this.#rehearsals?.stop();
    this.#rehearsals = undefined;
  }

  /**
   * The plan of a model; the last one is kept, because deriving it costs more than a layer. A hostile server can give
   * two cards one hash, so that the cards themselves are compared.
   */
  #planOf(agreement: Agreement): Plan {
    if (this.#known?.hash !== planHash(agreement)) this.#known = makePlan(agreement.card, agreement.setting);
    return this.#known;
  }
}
