import { randomBytes } from 'node:crypto';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  status as Status,
  type StatusObject,
} from '@grpc/grpc-js';
import type { BundleModel } from '../../server/store/bundle-store.ts';
import { CLIENT_KEY } from '../../transport/client-token.ts';
import { CLIENT_CHANNEL_OPTIONS } from '../../transport/limits.ts';
import { fromStatus } from '../../transport/status.ts';
import type { Case, TokenKind } from './cases.ts';
import { codecOf, contentOf, type Method } from './codec.ts';
import type { Expectation } from './expectation.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Placeholder, placeholdersIn, substitute } from './placeholders.ts';
import type { Transcript } from './transcript.ts';
import type { VictimServer } from './victim-server.ts';

/** A bundle id before it is known. */
type Ids = Partial<Record<Placeholder, string>>;

const same = (bytes: Buffer) => bytes;

/** Clients that say what a case tells them to, on one connection to each of the victim's ports. */
export class ServerAttack {
  readonly #server: VictimServer;
  readonly #transcript: Transcript;
  readonly #models: { readonly own: BundleModel; readonly other: BundleModel };
  /** The callers of cases that have run, and what they had the right to do. */
  readonly #callers: { number: number; token: string; ready: boolean; spent: boolean }[] = [];
  readonly #deployed: Client;
  readonly #opened: Client;

  constructor(server: VictimServer, transcript: Transcript, other: BundleModel) {
    const { card, plan } = { card: transcript.network.card, plan: transcript.plan };
    this.#server = server;
    this.#transcript = transcript;
    this.#models = { own: { name: card.name, hash: card.hash, planHash: plan.hash }, other };
    const connect = (port: number) =>
      new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
        ...CLIENT_CHANNEL_OPTIONS,
        'grpc.max_send_message_length': -1,
        'grpc.max_receive_message_length': -1,
      });
    this.#deployed = connect(server.port);
    this.#opened = connect(server.openedPort);
  }

  /** Runs one case. What it did to records shows later: see `trespasses`. */
  async run(attack: Case, expected: Expectation): Promise<Outcome> {
    const token = randomBytes(16).toString('hex');
    const { method, opensSession } = attack.dialogue;
    const ids = await this.#bundlesFor(attack, token);
    const client = method === 'Preprocess' && !opensSession ? this.#opened : this.#deployed;
    const outcome =
      method === 'Preprocess' || method === 'Infer'
        ? await outcomeOf(() => this.#stream(client, attack, token, ids, expected))
        : await outcomeOf(() => this.#unary(client, attack));
    if (ids.unconfirmed) await this.#server.store.abandon(ids.unconfirmed);
    this.#callers.push({ number: attack.number, token, ...mayMove(attack, expected) });
    return outcome;
  }

  /** Cases since the last call that moved a bundle which they had no right to. To be called when no call runs. */
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
    const { bundleSeed } = this.#transcript;
    const named = new Set(messages.flatMap((bytes) => placeholdersIn(bytes)));
    const ids: Ids = {};
    if (named.has('own')) ids.own = await store.put(token, own, bundleSeed.slice());
    if (named.has('unconfirmed')) ids.unconfirmed = await store.put(token, own, undefined, false);
    if (named.has('otherModel')) ids.otherModel = await store.put(token, other);
    if (named.has('foreign')) ids.foreign = await store.put(randomBytes(16).toString('hex'), own);
    if (named.has('spent')) ids.spent = await store.putSpent(token, own);
    return ids;
  }

  #unary(client: Client, { dialogue, messages }: Case): Promise<void> {
    const { path } = codecOf('server', dialogue.method);
    const [bytes = Buffer.alloc(0)] = messages;
    return new Promise((resolve, reject) =>
      client.makeUnaryRequest(path, same, same, bytes, (failure) =>
        failure ? reject(fromStatus(failure)) : resolve(),
      ),
    );
  }

  async #stream(
    client: Client,
    { dialogue, messages, ending, token: kind }: Case,
    token: string,
    ids: Ids,
    { reached }: Expectation,
  ): Promise<void> {
    const { path } = codecOf('server', dialogue.method);
    const call = client.makeBidiStreamRequest(path, same, same, metadataFor(kind, token));
    const answers = new Answers(call, dialogue.method);
    for (const [i, bytes] of messages.entries()) {
      // The commit names what the server has offered; out of its place nothing does.
      const commits = dialogue.method === 'Preprocess' && namesOwn(dialogue.messages[i]);
      const waits = commits && i < reached && namesOwn(bytes);
      const own = waits ? await answers.offered : ids.own;
      if (answers.over) break;
      call.write(substitute(bytes, { ...ids, own }));
    }
    if (ending === 'orderly') call.end();
    // What was written leaves before the cut, or it would be no attack.
    if (ending === 'cut') setTimeout(() => call.cancel(), 5);
    await answers.end;
  }
}

function namesOwn(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && placeholdersIn(bytes).includes('own');
}

/** What the case may do to records: a bundle is ready once its commit is reached, and spent once its spend is. */
function mayMove({ dialogue }: Case, { reached }: Expectation): { ready: boolean; spent: boolean } {
  const all = reached === dialogue.messages.length;
  return {
    ready: dialogue.method === 'Preprocess' && all,
    spent: dialogue.method === 'Infer' && reached > 0,
  };
}

/** What the server says in one call. */
class Answers {
  /** The bundle's id, or undefined if the call ends without one. */
  readonly offered: Promise<string | undefined>;
  readonly end: Promise<void>;
  over = false;

  constructor(call: ClientDuplexStream<Buffer, Buffer>, method: Method) {
    const { decode } = codecOf('client', method);
    const offer = Promise.withResolvers<string | undefined>();
    const end = Promise.withResolvers<void>();
    this.offered = offer.promise;
    this.end = end.promise;
    // Awaited later than it may fail.
    end.promise.catch(() => {});
    call.on('data', (bytes: Buffer) => {
      const said = contentOf(decode(bytes) ?? {});
      if (said?.name === 'offer') offer.resolve(said.content.bundleId as string);
    });
    call.on('error', () => {}); // its status says the same
    call.on('status', (status: StatusObject) => {
      this.over = true;
      offer.resolve(undefined);
      if (status.code === Status.OK) end.resolve();
      else end.reject(fromStatus(status));
    });
  }
}

function metadataFor(kind: TokenKind, token: string): Metadata {
  const metadata = new Metadata();
  if (kind === 'right' || kind === 'double') metadata.set(CLIENT_KEY, token);
  if (kind === 'double') metadata.add(CLIENT_KEY, token);
  if (kind === 'malformed') metadata.set(CLIENT_KEY, token.toUpperCase().replace(/^./, 'G'));
  return metadata;
}
