import type { BaseOtReceiver, BaseOtSender } from '../crypto/ot/base-ot.ts';
import { CorrelatedOtReceiver, CorrelatedOtSender, treeMessageBytes } from '../crypto/ot/correlated-ot.ts';
import { randomSeed } from '../crypto/prg.ts';
import { ownedCopy } from '../kernels/release.ts';
import type { Channel } from './channel.ts';
import { OT_TREE_BITS } from './plan.ts';
import { receiveTensor, sendTensor } from './tensor-stream.ts';
import { NO_LAYER, traced } from './trace.ts';

/**
 * The oblivious transfers of a session. Multiplying 128 points takes each party longer than most other steps of a
 * bundle, so the base OTs are finished only when the first labels are requested, and the server meanwhile works on the
 * first linear layers. Then, once per session:
 *
 *     client -> server: OT trees, with the proof that they are sound
 */
export class ClientTransfers {
  readonly #base: BaseOtSender;
  readonly #reply: Uint8Array;
  #ot: CorrelatedOtReceiver | undefined;

  /** `reply`: the server's reply to the message of `base`. */
  constructor(base: BaseOtSender, reply: Uint8Array) {
    this.#base = base;
    this.#reply = reply;
  }

  /** The client's half of the extension; the first call sends the trees. Throws 'crypto/input' if the reply is not 128 points. */
  async ready(channel: Channel): Promise<CorrelatedOtReceiver> {
    if (!this.#ot) {
      const pairs = traced('base OTs', NO_LAYER, () => this.#base.finish(this.#reply));
      const ot = traced('OT trees', NO_LAYER, () => new CorrelatedOtReceiver(pairs, OT_TREE_BITS));
      this.#ot = ot;
      await sendTensor(channel, 'ot-trees', 0, ownedCopy(ot.treeMessage));
    }
    return this.#ot;
  }

  close(): void {
    this.#ot?.close();
  }
}

export class ServerTransfers {
  /** The difference of the two labels of every wire of the session's bundles [16 bytes]. Secret. */
  readonly delta: Uint8Array;
  /** Draws the challenge of a check after its matrices have arrived: a client that knew it earlier could cheat. */
  readonly drawChallenge: () => Uint8Array;
  readonly #base: Pick<BaseOtReceiver, 'packedChoices' | 'finish'>;
  #ot: CorrelatedOtSender | undefined;

  /**
   * `drawChallenge` and `base` use other randomness than the system's CSPRNG only when a recorded session is replayed.
   */
  constructor(base: Pick<BaseOtReceiver, 'packedChoices' | 'finish'>, drawChallenge = randomSeed) {
    this.#base = base;
    this.delta = base.packedChoices;
    this.drawChallenge = drawChallenge;
  }

  /** The server's half of the extension; the first call receives the trees. Throws 'protocol/inconsistent' if they are not sound. */
  async ready(channel: Channel): Promise<CorrelatedOtSender> {
    if (!this.#ot) {
      const choices = traced('base OTs', NO_LAYER, () => this.#base.finish());
      const trees = await receiveTensor(channel, 'ot-trees', 0, treeMessageBytes(OT_TREE_BITS));
      this.#ot = traced('OT trees', NO_LAYER, () => new CorrelatedOtSender(choices, OT_TREE_BITS, trees));
    }
    return this.#ot;
  }

  close(): void {
    this.#ot?.close();
  }
}
