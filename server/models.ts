import type { Logger } from 'pino';
import { SphynxError } from '../errors/sphynx-error.ts';
import { loadModel } from '../importer/load.ts';
import type { ModelCard } from '../model/card.ts';
import { type FixedNetwork, type LayerWeights, withOutput } from '../model/network.ts';
import type { Output } from '../model/output.ts';
import { referenceOf, refersTo } from '../model/reference.ts';
import type { LabelEncoding } from '../protocol/label-encoding.ts';
import { makePlan, needsDelta } from '../protocol/plan.ts';
import { CARD_BYTES } from '../transport/limits.ts';
import type { GetModelCardResponse, ModelSummary, Quote } from '../transport/messages.ts';
import type { BundleModel } from './store/bundle-store.ts';

/** A model as the main thread uses it: its public facts, and weights in memory shared by all threads. */
export interface ServedModel {
  readonly identity: BundleModel;
  readonly network: FixedNetwork;
  /** Whether its bundles are stored with Delta. */
  readonly needsDelta: boolean;
  readonly summary: ModelSummary;
  readonly card: GetModelCardResponse;
}

/** How all models are served. */
export interface ServingOptions {
  /** 'fast' unless given. */
  readonly setting?: LabelEncoding;
  /** What clients learn; overrides the networks' own outputs, except for folders with an explicit output. */
  readonly output?: Output;
}

/** A folder with its own output. */
export interface ModelEntry {
  /** The folder. */
  readonly path: string;
  /** The output that its clients receive. */
  readonly output: Output;
}

/** A folder, with or without its own output, or a network in memory. */
export type ModelSource = string | ModelEntry | FixedNetwork;

/** The server's models. Of several versions of one name, the one that was given first is the current one. */
export class ModelRegistry {
  #models: readonly ServedModel[] = [];

  /**
   * Loads every model.
   *
   * @throws SphynxError 'model/format' and others of `loadModel`; 'config/invalid' if there are none or one twice
   */
  static async load(sources: readonly ModelSource[], options: ServingOptions = {}): Promise<ModelRegistry> {
    const models: ServedModel[] = [];
    if (sources.length === 0) throw new SphynxError('config/invalid', 'a server needs at least one model');
    for (const source of sources) {
      const model = await serveSource(source, options);
      const { name, hash } = model.identity;
      if (models.some(({ identity }) => identity.name === name && identity.hash === hash))
        throw new SphynxError('config/invalid', `the model ${name} is given twice`);
      models.push(model);
    }
    const registry = new ModelRegistry();
    registry.#models = models;
    return registry;
  }

  /** Switches to the models of `other`. Returns the added and removed versions. */
  replace(other: ModelRegistry): { added: string[]; removed: string[] } {
    const missing = (from: ModelRegistry, to: ModelRegistry) => {
      const there = new Set(to.all.map(({ identity }) => referenceOf(identity)));
      return from.all.map(({ identity }) => referenceOf(identity)).filter((model) => !there.has(model));
    };
    const changes = { added: missing(other, this), removed: missing(this, other) };
    this.#models = other.#models;
    return changes;
  }

  /** All models in alphabetical order of their names; the current version of a name comes first. */
  get all(): ServedModel[] {
    return this.#models.toSorted((a, b) => a.identity.name.localeCompare(b.identity.name, 'en'));
  }

  /** Returns the current version of `NAME`, or the version `NAME@HASH`. Throws 'model/unknown'. */
  get(reference: string): ServedModel {
    const model = this.#models.find(({ identity }) => refersTo(reference, identity));
    if (!model)
      throw new SphynxError(
        'model/unknown',
        'this server has no model of that name, or no longer has it: its bundles cannot be used; choose one of its models',
      );
    return model;
  }

  /** Returns the model on which a client and this server agree. Throws 'model/unknown' or 'model/mismatch'. */
  agree(wanted: { model: string; modelHash: string; planHash: string }): ServedModel {
    const { name } = this.get(wanted.model).identity;
    const model = this.#models.find(
      ({ identity }) => identity.name === name && identity.hash === wanted.modelHash,
    );
    if (!model)
      throw new SphynxError(
        'model/mismatch',
        `the server has replaced ${name} by another version: bundles of the old one cannot be used any more; prepare new ones`,
      );
    if (wanted.planHash !== model.identity.planHash)
      throw new SphynxError(
        'model/mismatch',
        'client and server derive different plans for this model: their versions of the software differ',
      );
    return model;
  }
}

/** Logs a warning for each model whose scales were chosen on random inputs. */
export function warnOfScales(models: ModelRegistry, logger: Logger): void {
  for (const { identity, network } of models.all)
    if (network.card.calibration === 'random')
      logger.warn(
        { model: referenceOf(identity) },
        'the scales of this model were chosen on random inputs, so its answers may be wrong: import it with real ones (--images)',
      );
}

async function serveSource(source: ModelSource, options: ServingOptions): Promise<ServedModel> {
  if (typeof source === 'string') return serve(await loadModel(source), options);
  if (!('path' in source)) return serve(source, options);
  return serve(await loadModel(source.path), { ...options, output: source.output });
}

function serve(loaded: FixedNetwork, { setting = 'fast', output }: ServingOptions): ServedModel {
  const shared = { card: loaded.card, layers: loaded.layers.map(share) };
  const network = output === undefined ? shared : withOutput(shared, output);
  const { card } = network;
  const plan = makePlan(card, setting);
  const cardJson = JSON.stringify(card);
  if (Buffer.byteLength(cardJson) > CARD_BYTES)
    throw new SphynxError('model/unsupported', `the card of ${card.name} is larger than ${CARD_BYTES} bytes`);
  const quote: Quote = {
    offlineBytes: plan.offlineBytes.up + plan.offlineBytes.down,
    onlineBytes: plan.onlineBytes.up + plan.onlineBytes.down,
    // The values that change with time are filled in when a quote is given.
    offlineProcessorMs: 0,
    expectedWaitMs: 0,
  };
  return {
    identity: { name: card.name, hash: card.hash, planHash: plan.hash },
    network,
    needsDelta: needsDelta(plan),
    summary: summarize(card, quote),
    card: { cardJson, modelHash: card.hash, planHash: plan.hash, quote, setting },
  };
}

/** Returns a model's entry in the list of models. */
export function summarize(card: ModelCard, quote: Quote): ModelSummary {
  const { name, hash, inputKind, input, head, labels, relus, macs, output } = card;
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
    output,
    inputKind,
    head,
  };
}

/** The same weights in shared memory, so that worker threads need no copies. */
function share({ kernels, bias }: LayerWeights): LayerWeights {
  return { kernels: kernels.map(sharedCopy), bias: sharedCopy(bias) };
}

function sharedCopy(words: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(words.byteLength));
  copy.set(words);
  return copy;
}
