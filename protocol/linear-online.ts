import { addTerm, layerBias } from '../model/executor.ts';
import type { FixedNetwork } from '../model/network.ts';
import { layerMask } from './masks.ts';
import type { Plan } from './plan.ts';

/**
 * The server's half of the linear layers, online (DELPHI, online phase; docs/protocol.md, section 2): a_l = W_l (x - r) + bias - s_l. A layer
 * reads tensors of earlier layers too; their terms are added while the client still evaluates the layer before.
 */
export class LinearLayers {
  readonly #plan: Plan;
  readonly #network: FixedNetwork;
  readonly #bundleSeed: Uint8Array;
  readonly #tensors: Uint32Array[] = [];
  #layer = 0;
  #sum: Uint32Array | undefined;
  #termsLeft: number[] = [];

  constructor(plan: Plan, network: FixedNetwork, bundleSeed: Uint8Array) {
    this.#plan = plan;
    this.#network = network;
    this.#bundleSeed = bundleSeed;
  }

  /** Adds the next secret tensor x - r [elements]. */
  push(tensor: Uint32Array): void {
    this.#tensors.push(tensor);
  }

  /** Computes those parts of the next layer for which the tensors are available. */
  workAhead(): void {
    const layer = this.#layer;
    if (!this.#sum) {
      const mask = layerMask(this.#plan, this.#bundleSeed, layer);
      this.#sum = layerBias(this.#network, layer);
      for (let i = 0; i < mask.length; i++) this.#sum[i] -= mask[i];
      this.#termsLeft = [...this.#network.card.layers[layer].terms.keys()];
    }
    const sum = this.#sum;
    const { terms } = this.#network.card.layers[layer];
    this.#termsLeft = this.#termsLeft.filter((term) => {
      if (terms[term].tensor >= this.#tensors.length) return true;
      addTerm(this.#network, layer, term, this.#tensors, sum);
      return false;
    });
  }

  /** Returns a_l of the next layer [elements], all of whose tensors must be available. */
  finish(): Uint32Array {
    this.workAhead();
    const share = this.#sum as Uint32Array;
    this.#sum = undefined;
    this.#layer++;
    return share;
  }
}
