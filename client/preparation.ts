import { SphynxError } from '../errors/sphynx-error.ts';
import type { Traffic } from '../protocol/plan.ts';
import { type Allowance, readAllowance } from './allowance.ts';
import type { BundleHeader } from './bundle-header.ts';
import type { BundleStore } from './bundle-store.ts';
import type { PreprocessStream } from './connection.ts';
import type { KnownModel } from './known-models.ts';
import { CLOSE_STREAM_MS, MAX_LIFETIME_MS } from './limits.ts';
import type { MeteredChannel } from './metered-channel.ts';
import type { Network, RoleRunner } from './role-runner.ts';

/** The client's side of one Preprocess stream, in the order shown in the .proto. */
export class Preparation {
  readonly #stream: PreprocessStream;
  readonly #channel: MeteredChannel;
  readonly #thread: RoleRunner;
  readonly #store: BundleStore;
  readonly #model: KnownModel;
  #lifetimeMs = 0;
  /** When the account of the current bundle began; the first bundle's account includes the session. */
  #start = performance.now();
  #before: Traffic = { up: 0, down: 0 };

  constructor(
    stream: PreprocessStream,
    channel: MeteredChannel,
    thread: RoleRunner,
    store: BundleStore,
    model: KnownModel,
  ) {
    this.#stream = stream;
    this.#channel = channel;
    this.#thread = thread;
    this.#store = store;
    this.#model = model;
  }

  /** @param onAccepted called with the server's allowance; an error that it throws ends the stream before any work */
  async open(count: number, onAccepted: (allowance: Allowance | undefined) => void): Promise<void> {
    const { card, plan } = this.#model;
    const lost = await this.#store.lost();
    await this.#stream.send({
      hello: { model: card.name, modelHash: card.hash, planHash: plan.hash, count, lost },
    });
    const { bundleLifetimeSeconds, allowance } = await this.#stream.expect('accepted');
    await this.#store.forgetLost(lost);
    onAccepted(readAllowance(allowance));
    this.#lifetimeMs = Math.min(bundleLifetimeSeconds * 1000, MAX_LIFETIME_MS);
    await this.#thread.play('open', {}, this.#network);
  }

  async prepare(): Promise<BundleHeader> {
    const { card, setting, plan } = this.#model;
    await this.#stream.send({ begin: {} });
    const { bundleId } = await this.#stream.expect('offer');
    // Measured by this machine's clock, which may differ from the server's.
    const expiresAt = Date.now() + this.#lifetimeMs;
    const partial = await this.#store.begin(card.hash, bundleId, plan.bundleBytes);
    try {
      const body = await this.#thread.play(
        'prepare',
        { agreement: { card, setting }, path: partial.path },
        this.#network,
      );
      const header = { ...this.#account(bundleId, expiresAt), body };
      await partial.seal(header);
      await this.#stream.send({ commit: { bundleId } });
      const ready = await this.#stream.expect('ready');
      if (ready.bundleId !== bundleId)
        throw new SphynxError(
          'protocol/order',
          'the server confirmed another bundle than the one just prepared',
        );
      await partial.publish();
      return header;
    } catch (error) {
      // The thread first, because it may be about to create or extend the file.
      await this.#thread.stop();
      await partial.discard();
      throw error;
    }
  }

  async end(): Promise<void> {
    await Promise.all([this.#stream.close(CLOSE_STREAM_MS), this.#thread.call('close', {})]);
  }

  get #network(): Network {
    return { channel: this.#channel, signal: this.#stream.signal };
  }

  #account(bundleId: string, expiresAt: number): Omit<BundleHeader, 'body'> {
    const { card, plan } = this.#model;
    const now = performance.now();
    const { up, down } = this.#channel.traffic;
    const offline = { ms: now - this.#start, up: up - this.#before.up, down: down - this.#before.down };
    this.#start = now;
    this.#before = { up, down };
    const { name: model, hash: modelHash } = card;
    return { bundleId, model, modelHash, planHash: plan.hash, preparedAt: Date.now(), expiresAt, offline };
  }
}
