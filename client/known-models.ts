import { SphynxError } from '../errors/sphynx-error.ts';
import { parseModelCard } from '../model/card.ts';
import { refersTo } from '../model/reference.ts';
import { isLabelEncoding } from '../protocol/label-encoding.ts';
import type { Agreement } from '../protocol/plan.ts';
import { onAbort } from './abort.ts';
import type { Connection } from './connection.ts';
import type { PlanFacts } from './role-jobs.ts';

/** A model whose card has been checked, and the plan that follows from it. */
export interface KnownModel extends Agreement {
  readonly plan: PlanFacts;
}

type DerivePlan = (agreement: Agreement, signal?: AbortSignal) => Promise<PlanFacts>;

/** The models of a server as this client knows them: each card is fetched and checked once. */
export class KnownModels {
  readonly #connection: Connection;
  readonly #derive: DerivePlan;
  readonly #models = new Map<string, KnownModel>();
  readonly #fetching = new Map<string, Promise<KnownModel>>();
  #only: string | undefined;

  constructor(connection: Connection, derive: DerivePlan) {
    this.#connection = connection;
    this.#derive = derive;
  }

  /**
   * Returns the current version of `NAME`, or the version `NAME@HASH`; without a reference the server's only model.
   * Throws 'config/invalid' if there are several and none is named, 'model/unknown', 'model/format' if the card is not
   * well-formed, 'model/unsupported' if it needs too many resources, 'model/mismatch' if the server derives another
   * plan from it.
   */
  async get(reference: string | undefined, signal?: AbortSignal): Promise<KnownModel> {
    const wanted = reference ?? (await this.#findOnly(signal));
    // One caller fetches it. If that fails, perhaps only because that caller was aborted, the next one tries.
    for (let other = this.#fetching.get(wanted); other; other = this.#fetching.get(wanted))
      await settledOrAborted(other, signal);
    const known = this.#models.get(wanted);
    if (known) return known;
    const fetching = this.#fetch(wanted, signal);
    this.#fetching.set(wanted, fetching);
    try {
      const model = await fetching;
      this.#models.set(wanted, model);
      return model;
    } finally {
      this.#fetching.delete(wanted);
    }
  }

  /** Forgets all models; call it when the server has changed one. */
  forget(): void {
    this.#models.clear();
    this.#only = undefined;
  }

  async #findOnly(signal?: AbortSignal): Promise<string> {
    if (this.#only !== undefined) return this.#only;
    const models = await this.#connection.listModels(signal);
    const names = [...new Set(models.map(({ name }) => name))];
    if (names.length !== 1)
      throw new SphynxError(
        'config/invalid',
        `the server has ${names.length} models; choose one of: ${names.join(', ')}`,
      );
    [this.#only] = names;
    return this.#only;
  }

  async #fetch(reference: string, signal?: AbortSignal): Promise<KnownModel> {
    const { cardJson, modelHash, planHash, setting } = await this.#connection.getModelCard(reference, signal);
    const card = parseModelCard(parseJson(cardJson));
    if (!refersTo(reference, card) || card.hash !== modelHash)
      throw new SphynxError(
        'model/mismatch',
        `the server answered for the model ${reference} with the card of another one`,
      );
    if (!isLabelEncoding(setting))
      throw new SphynxError(
        'model/mismatch',
        'the server uses a setting of the protocol that this version of sphynx-pi does not know; update it',
      );
    const plan = await this.#derive({ card, setting }, signal);
    if (plan.hash !== planHash)
      throw new SphynxError(
        'model/mismatch',
        `server and client derive different plans for the model ${reference}: their versions of sphynx-pi differ; bring both to the same`,
      );
    return { card, setting, plan };
  }
}

/** Resolves when `promise` is settled, either way. Throws 'aborted' when the signal fires. */
async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  const stop = Promise.withResolvers<void>();
  const release = onAbort(signal, stop.reject);
  const settled = () => stop.resolve();
  promise.then(settled, settled);
  await stop.promise.finally(release);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SphynxError('model/format', 'the model card from the server is not JSON', { cause });
  }
}
