import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openConnection as openInBrowser } from '../../client/browser/connection.ts';
import type { BundleStore, SpendingBundle } from '../../client/bundle-store.ts';
import type { Connection } from '../../client/connection.ts';
import { derivePlan } from '../../client/derive-plan.ts';
import { inferOnce } from '../../client/infer.ts';
import { type KnownModel, KnownModels } from '../../client/known-models.ts';
import { completeDeadlines } from '../../client/limits.ts';
import { createBundle } from '../../client/node/bundle-body.ts';
import { openBundleStore } from '../../client/node/bundle-store.ts';
import { openConnection } from '../../client/node/connection.ts';
import { planFacts } from '../../client/plan-facts.ts';
import { prepareBundles } from '../../client/prepare.ts';
import type { RunnerPool } from '../../client/role-runner.ts';
import { RoleRunners } from '../../client/role-runners.ts';
import { randomImage } from '../../fixtures/random-image.ts';
import type { Case } from './cases.ts';
import type { Expectation } from './expectation.ts';
import { HostileServer } from './hostile-server.ts';
import { HostileWebServer } from './hostile-web-server.ts';
import { inThreadRoles } from './in-thread-roles.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { PLACEHOLDERS } from './placeholders.ts';
import type { Transcript } from './transcript.ts';

/** One client: its connections, and the folder of its bundles. */
interface Victim {
  readonly name: string;
  readonly connections: { readonly grpc: Connection; readonly web: Connection };
  readonly folder: string;
  readonly store: BundleStore;
}

/** Attacks the client's calls, including those of pages, by servers that play cases, several at once. */
export class ClientAttack {
  readonly #servers: { readonly grpc: HostileServer; readonly web: HostileWebServer };
  readonly #model: KnownModel;
  readonly #image: Int32Array;
  readonly #bundle: SpendingBundle;
  readonly #victims: readonly Victim[];
  /** For deriving plans only: cards are also hostile, and plans can take long. */
  readonly #threads = new RoleRunners(1);
  readonly #opened: RunnerPool;
  readonly #opening = inThreadRoles();

  private constructor(
    servers: { readonly grpc: HostileServer; readonly web: HostileWebServer },
    { network, plan, clientSession }: Transcript,
    bundle: SpendingBundle,
    victims: readonly Victim[],
  ) {
    this.#servers = servers;
    this.#model = { card: network.card, setting: plan.setting, plan: planFacts(plan) };
    this.#image = randomImage(network, 1);
    this.#bundle = bundle;
    this.#victims = victims;
    this.#opened = inThreadRoles(clientSession);
  }

  /** @param idleMs the clients' deadline for a silent server */
  static async start(
    transcript: Transcript,
    { stateFolder, idleMs, lanes }: { stateFolder: string; idleMs: number; lanes: number },
  ): Promise<ClientAttack> {
    const servers = { grpc: await HostileServer.start(), web: await HostileWebServer.start() };
    const deadlines = completeDeadlines({ idleMs, planMs: idleMs, queueMs: 1 });
    const victims: Victim[] = [];
    for (let lane = 0; lane < lanes; lane++) {
      const name = `lane-${lane}`;
      const token = randomBytes(16).toString('hex');
      const folder = join(stateFolder, name);
      const settings = { token, security: {}, deadlines, bearer: name };
      const connections = {
        grpc: openConnection(servers.grpc.address, settings),
        web: openInBrowser(servers.web.address, settings),
      };
      victims.push({
        name,
        connections,
        folder,
        store: await openBundleStore(folder, servers.grpc.address),
      });
    }
    return new ClientAttack(servers, transcript, await spendable(transcript, stateFolder), victims);
  }

  /** Runs one case on the client of a lane. A leftover file of a refused bundle is also an outcome. */
  async run(attack: Case, expected: Expectation, lane: number): Promise<Outcome> {
    const victim = this.#victims[lane];
    this.#servers[attack.edge].play(victim.name, { attack, expected });
    const outcome = await outcomeOf(() => this.#call(attack, victim));
    if (attack.dialogue.method !== 'Preprocess') return outcome;
    const bundles = await this.#sweep(victim);
    return bundles === (outcome === 'passed' ? 1 : 0)
      ? outcome
      : { unexpected: `${bundles} files of bundles after ${JSON.stringify(outcome)}` };
  }

  async close(): Promise<void> {
    for (const { connections } of this.#victims)
      for (const connection of Object.values(connections)) connection.close();
    for (const server of Object.values(this.#servers)) server.close();
    await this.#threads.close();
  }

  async #call({ dialogue, edge }: Case, { connections, store }: Victim): Promise<void> {
    const model = this.#model;
    const connection = connections[edge];
    switch (dialogue.method) {
      case 'ListModels':
        await connection.listModels();
        break;
      case 'GetModelCard':
        await new KnownModels(connection, (agreement) =>
          derivePlan(this.#threads, agreement, connection.planMs),
        ).get(model.card.name);
        break;
      case 'Preprocess': {
        const threads = dialogue.opensSession ? this.#opening : this.#opened;
        await prepareBundles({ connection, store, threads }, { model, count: 1 });
        break;
      }
      case 'Infer':
        await this.#opened.with(undefined, (thread) =>
          inferOnce(connection, thread, model, this.#bundle, this.#image),
        );
    }
  }

  /** Deletes the bundles that a preparation has left; returns the number of ready and unfinished ones. */
  async #sweep({ folder }: Victim): Promise<number> {
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const bundles = files.filter(({ name }) => /\.(ready|partial)$/.test(name));
    for (const { parentPath, name } of bundles) await rm(join(parentPath, name));
    return bundles.length;
  }
}

/** The transcript's bundle as a file that is never used up. */
async function spendable(
  { network, plan, bundleBytes }: Transcript,
  folder: string,
): Promise<SpendingBundle> {
  const { card } = network;
  const path = join(folder, 'bundle');
  const writer = createBundle(path);
  writer.write(bundleBytes);
  const header = {
    ...{ bundleId: PLACEHOLDERS.own, model: card.name, modelHash: card.hash, planHash: plan.hash },
    ...{ preparedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, offline: { ms: 0, up: 0, down: 0 } },
    body: await writer.finish(),
  };
  return { path, header, burn: async () => {}, lose: async () => {}, giveBack: async () => {} };
}
