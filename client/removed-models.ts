import { DELETE_ALL, DELETE_REMOVED, RELEASE } from '#client/remedies';
import { referenceOf } from '../model/reference.ts';
import type { ModelSummary } from '../transport/messages.ts';
import type { BundleHeader } from './bundle-header.ts';

/** Bundles that can no longer be used, because the server has removed the model that they were made for. */
export interface RemovedModel {
  /** Name of the model. */
  readonly model: string;
  /** Hash of the version that was removed (SHA-256, hex). */
  readonly modelHash: string;
  /** Whether the server has another version of the model. */
  readonly replaced: boolean;
  /** The bundles that were made for the model. */
  readonly bundles: readonly BundleHeader[];
}

/** Returns the models of `bundles` that the server does not have. */
export function removedModels(
  bundles: readonly BundleHeader[],
  models: readonly ModelSummary[],
): RemovedModel[] {
  const hashes = new Set(models.map(({ hash }) => hash));
  const names = new Set(models.map(({ name }) => name));
  const lost = Map.groupBy(
    bundles.filter(({ modelHash }) => !hashes.has(modelHash)),
    ({ modelHash }) => modelHash,
  );
  return [...lost].map(([modelHash, bundles]) => {
    const [{ model }] = bundles;
    return { model, modelHash, replaced: names.has(model), bundles };
  });
}

/** Returns one sentence for people with the bundles and a remedy; empty if there are none. */
export function describeRemoved(removed: readonly RemovedModel[]): string {
  return removed
    .map(({ model, modelHash, replaced, bundles }) => {
      const which = bundles.map(({ bundleId }) => bundleId.slice(0, 8));
      const listed = which.length > NAMED ? [...which.slice(0, NAMED), '...'] : which;
      const happened = replaced ? 'has replaced by another version' : 'no longer serves';
      const remedy = replaced ? 'prepare new ones' : "choose another of the server's models";
      return `${bundles.length} prepared bundles (${listed.join(', ')}) belong to the version ${modelHash.slice(0, 12)} of ${model}, which the server ${happened}: they cannot be used; ${DELETE_REMOVED} and ${remedy}`;
    })
    .join('; ');
}

/**
 * Returns a text for people with the number of ready bundles for each version that the server still has; empty if there
 * are none.
 */
export function describeReady(bundles: readonly BundleHeader[], models: readonly ModelSummary[]): string {
  const ready = Map.groupBy(bundles, ({ modelHash }) => modelHash);
  const counts = models.flatMap((model) => {
    const count = ready.get(model.hash)?.length;
    return count === undefined ? [] : [`${referenceOf(model)} (${count})`];
  });
  return counts.length === 0 ? '' : `bundles are ready for ${counts.join(', ')}`;
}

/** Returns a text for people saying that `count` bundles are set aside, with a remedy; empty if there are none. */
export function describeSetAside(count: number): string {
  if (count === 0) return '';
  return `${count} bundles of this folder are set aside, because another one was used elsewhere: release them if they are used nowhere else (${RELEASE}), or ${DELETE_ALL}`;
}

/** Bundles that are named one by one. */
const NAMED = 4;
