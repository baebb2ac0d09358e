import { SphynxError } from '../../errors/sphynx-error.ts';
import type { Agreement } from '../../protocol/plan.ts';
import type { Network, RoleThread as NodeRoleThread } from '../node/role-runner.ts';
import { Roles } from '../roles.ts';
import type { Job, JobResults } from '../thread-messages.ts';

type Offered<Type extends Job['type']> = Omit<Extract<Job, { type: Type }>, 'port' | 'type'>;

/** The roles in this worker itself, which the page's own thread does not wait for. One job at a time. */
export class RoleThread implements Pick<NodeRoleThread, keyof NodeRoleThread> {
  readonly #roles = new Roles();
  #running: Promise<unknown> = Promise.resolve();
  #alive = true;

  get alive(): boolean {
    return this.#alive;
  }

  hold(): void {}

  call<Type extends 'load' | 'close'>(type: Type, job: Offered<Type>): Promise<JobResults[Type]> {
    return this.#run(type, job);
  }

  /** Plays a role straight on the network. Throws its failure. */
  play<Type extends 'open' | 'prepare' | 'infer'>(
    type: Type,
    job: Offered<Type>,
    network: Network,
  ): Promise<JobResults[Type]> {
    return this.#run(type, job, network);
  }

  warm(agreement: Agreement): void {
    this.#roles.warm(agreement);
  }

  /** When this resolves, no job runs: the conversation of one that does must have broken off. */
  async stop(): Promise<void> {
    this.#alive = false;
    await this.#running.catch(() => {});
    await this.#roles.play({ type: 'close' }, NOWHERE);
  }

  #run<Type extends Job['type']>(type: Type, job: object, network?: Network): Promise<JobResults[Type]> {
    const result = this.#roles.play({ type, ...job } as never, network?.channel ?? NOWHERE);
    this.#running = result;
    return result as Promise<JobResults[Type]>;
  }
}

/** For jobs that talk to nobody. */
const NOWHERE = {
  send: () => Promise.reject(silent()),
  receive: () => Promise.reject(silent()),
};

function silent(): SphynxError {
  return new SphynxError('internal', 'a job without a network used it');
}
