import { SphynxError } from '../errors/sphynx-error.ts';
import type { ModelCard } from '../model/card.ts';
import { loadModel } from '../model/load.ts';
import type { FixedNetwork, LayerWeights } from '../model/network.ts';
import { makePlan } from '../protocol/plan.ts';
import type { Setting } from '../protocol/setting.ts';
import { CARD_BYTES } from '../transport/limits.ts';
import type { GetModelCardResponse, ModelSummary, Quote } from '../transport/messages.ts';
import type { BundleModel } from './store/bundle-store.ts';

/** A model as the main thread needs it: public facts, and weights in memory that all threads share. */
export interface ServedModel {
  readonly identity: BundleModel;
  readonly network: FixedNetwork;
  readonly summary: ModelSummary;
  readonly card: GetModelCardResponse;
}

/** The server's models by name. */
export class ModelRegistry {
  #models = new Map<string, ServedModel>();

  /**
   * Loads every model.
   *
   * @param sources folders of models, or networks in memory
   * @throws SphynxError 'model/format' and others of `loadModel`; 'config/invalid' if there are none or two of one name
   */
  static async load(
    sources: readonly (string | FixedNetwork)[],
    setting: Setting = 'fast',
  ): Promise<ModelRegistry> {
    const registry = new ModelRegistry();
    if (sources.length === 0) throw new SphynxError('config/invalid', 'a server needs at least one model');
    for (const source of sources) {
      const model = serve(typeof source === 'string' ? await loadModel(source) : source, setting);
      const { name } = model.identity;
      if (registry.#models.has(name)) throw new SphynxError('config/invalid', `two models are named ${name}`);
      registry.#models.set(name, model);
    }
    return registry;
  }

  /** Serves the models of `other` from now on. Returns the names of what came and went; a new version does both. */
  replace(other: ModelRegistry): { added: string[]; removed: string[] } {
    const missing = (from: ModelRegistry, to: ModelRegistry) =>
      from.all
        .filter(({ identity }) => to.#models.get(identity.name)?.identity.hash !== identity.hash)
        .map(({ identity }) => identity.name);
    const changes = { added: missing(other, this), removed: missing(this, other) };
    this.#models = other.#models;
    return changes;
  }

  /** By name, in alphabetical order. */
  get all(): ServedModel[] {
    return [...this.#models.values()].sort((a, b) => (a.identity.name < b.identity.name ? -1 : 1));
  }

  /** Throws 'model/unknown'. */
  get(name: string): ServedModel {
    const model = this.#models.get(name);
    if (!model)
      throw new SphynxError(
        'model/unknown',
        'this server has no model of that name (any more): its bundles cannot be used; choose one of its models',
      );
    return model;
  }

  /** The model on which a client and this server agree. Throws 'model/unknown' or 'model/mismatch'. */
  agree(wanted: { model: string; modelHash: string; planHash: string }): ServedModel {
    const model = this.get(wanted.model);
    if (wanted.modelHash !== model.identity.hash)
      throw new SphynxError(
        'model/mismatch',
        `the server has replaced ${model.identity.name} by another version: bundles of the old one cannot be used any more; prepare new ones`,
      );
    if (wanted.planHash !== model.identity.planHash)
      throw new SphynxError(
        'model/mismatch',
        'client and server derive different plans for this model: their versions of the software differ',
      );
    return model;
  }
}

function serve(loaded: FixedNetwork, setting: Setting): ServedModel {
  const network = { card: loaded.card, layers: loaded.layers.map(share) };
  const { card } = network;
  const plan = makePlan(card, setting);
  const cardJson = JSON.stringify(card);
  if (Buffer.byteLength(cardJson) > CARD_BYTES)
    throw new SphynxError('model/unsupported', `the card of ${card.name} is larger than ${CARD_BYTES} bytes`);
  const quote: Quote = {
    offlineBytes: plan.offlineBytes.up + plan.offlineBytes.down,
    onlineBytes: plan.onlineBytes.up + plan.onlineBytes.down,
    // What changes with time is filled in where the quote is given.
    offlineProcessorMs: 0,
    expectedWaitMs: 0,
  };
  return {
    identity: { name: card.name, hash: card.hash, planHash: plan.hash },
    network,
    summary: summarize(card, quote),
    card: { cardJson, modelHash: card.hash, planHash: plan.hash, quote, setting },
  };
}

function summarize({ name, hash, input, labels, relus, macs }: ModelCard, quote: Quote): ModelSummary {
  return {
    name,
    hash,
    inputChannels: input.channels,
    inputHeight: input.height,
    inputWidth: input.width,
    classes: labels.length,
    relus,
    macs,
    quote,
  };
}

/** The same weights in shared memory, so that worker threads need no copies. */
function share({ kernels, bias }: LayerWeights): LayerWeights {
  return { kernels: kernels.map(shared), bias: shared(bias) };
}

function shared(words: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(words.byteLength));
  copy.set(words);
  return copy;
}
