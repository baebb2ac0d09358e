import { randomBytes } from 'node:crypto';
import type { BundleModel } from '../../server/store/bundle-store.ts';
import type { AttackCall } from './answers.ts';
import type { Case } from './cases.ts';
import type { Expectation } from './expectation.ts';
import { GrpcAttack } from './grpc-attack.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Placeholder, placeholdersIn, substitute } from './placeholders.ts';
import type { Transcript } from './transcript.ts';
import type { VictimServer } from './victim-server.ts';
import { WebAttackCall } from './web-attack.ts';

/** Bundle ids by placeholder. */
type Ids = Partial<Record<Placeholder, string>>;

/** Attacks the server by clients that play cases: over one connection to each gRPC port, or one WebSocket per call. */
export class ServerAttack {
  readonly #server: VictimServer;
  readonly #transcript: Transcript;
  readonly #models: { readonly own: BundleModel; readonly other: BundleModel };
  /** The callers of completed cases, and the actions that they were allowed. */
  readonly #callers: { number: number; token: string; ready: boolean; spent: boolean }[] = [];
  readonly #deployed: GrpcAttack;
  readonly #opened: GrpcAttack;

  constructor(server: VictimServer, transcript: Transcript, other: BundleModel) {
    const { card, plan } = { card: transcript.network.card, plan: transcript.plan };
    this.#server = server;
    this.#transcript = transcript;
    this.#models = { own: { name: card.name, hash: card.hash, planHash: plan.hash }, other };
    this.#deployed = new GrpcAttack(server.ports.deployed.grpc);
    this.#opened = new GrpcAttack(server.ports.opened.grpc);
  }

  /** Runs one case. Its effect on records is checked later by `trespasses`. */
  async run(attack: Case, expected: Expectation): Promise<Outcome> {
    const token = randomBytes(16).toString('hex');
    const ids = await this.#bundlesFor(attack, token);
    const outcome = await outcomeOf(() => this.#say(this.#call(attack, token), attack, ids, expected));
    if (ids.unconfirmed) await this.#server.store.abandon(ids.unconfirmed);
    this.#callers.push({ number: attack.number, token, ...mayMove(attack, expected) });
    return outcome;
  }

  /** Returns the cases since the last call that illegally changed a bundle's state. Call it when no call is running. */
  trespasses(): number[] {
    const { store } = this.#server;
    return this.#callers.splice(0).flatMap(({ number, token, ready, spent }) => {
      const moved = store.movedBy(token);
      return (moved.ready && !ready) || (moved.spent && !spent) ? [number] : [];
    });
  }

  close(): void {
    this.#deployed.close();
    this.#opened.close();
  }

  /** The bundles that the case names, as they must be before it runs. */
  async #bundlesFor({ dialogue, messages }: Case, token: string): Promise<Ids> {
    if (dialogue.method !== 'Infer') return {};
    const { store } = this.#server;
    const { own, other } = this.#models;
    const { bundleSecrets } = this.#transcript;
    const named = new Set(messages.flatMap((bytes) => placeholdersIn(bytes)));
    const ids: Ids = {};
    if (named.has('own')) ids.own = await store.put(token, own, bundleSecrets);
    if (named.has('unconfirmed')) ids.unconfirmed = await store.put(token, own, undefined, false);
    if (named.has('otherModel')) ids.otherModel = await store.put(token, other);
    if (named.has('foreign')) ids.foreign = await store.put(randomBytes(16).toString('hex'), own);
    if (named.has('spent')) ids.spent = await store.putSpent(token, own);
    return ids;
  }

  #call({ dialogue: { method, opensSession }, token: kind, edge, fault }: Case, token: string): AttackCall {
    const opened = method === 'Preprocess' && !opensSession;
    if (edge === 'grpc') return (opened ? this.#opened : this.#deployed).call(method, token, kind);
    const { web } = this.#server.ports[opened ? 'opened' : 'deployed'];
    return new WebAttackCall(web, method, token, kind, fault);
  }

  async #say(
    call: AttackCall,
    { dialogue, messages, ending }: Case,
    ids: Ids,
    { reached }: Expectation,
  ): Promise<void> {
    const { answers } = call;
    for (const [i, bytes] of messages.entries()) {
      // The commit names the bundle that the server offered; elsewhere there is no such id.
      const commits = dialogue.method === 'Preprocess' && namesOwn(dialogue.messages[i]);
      const waits = commits && i < reached && namesOwn(bytes);
      const own = waits ? await answers.offered : ids.own;
      if (answers.over) break;
      call.write(substitute(bytes, { ...ids, own }));
    }
    if (ending === 'orderly') call.end();
    // Written data is sent before the cut; otherwise there would be no attack.
    if (ending === 'cut') setTimeout(() => call.cut(), 5);
    await answers.end;
  }
}

function namesOwn(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && placeholdersIn(bytes).includes('own');
}

/**
 * Returns the case's allowed effects on records: a bundle becomes ready once its commit is reached, and spent once its
 * spend is.
 */
function mayMove({ dialogue }: Case, { reached }: Expectation): { ready: boolean; spent: boolean } {
  const all = reached === dialogue.messages.length;
  return {
    ready: dialogue.method === 'Preprocess' && all,
    spent: dialogue.method === 'Infer' && reached > 0,
  };
}
