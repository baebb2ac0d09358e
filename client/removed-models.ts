import { referenceOf } from '../model/reference.ts';
import type { ModelSummary } from '../transport/messages.ts';
import type { BundleHeader } from './bundle-header.ts';

/** Bundles that no image can be classified with any more, because the server has removed what they were made for. */
export interface RemovedModel {
  /** Name of the model. */
  readonly model: string;
  /** Hash of the version that was removed (SHA-256, hex). */
  readonly modelHash: string;
  /** Whether the server has another version of the model. */
  readonly replaced: boolean;
  /** The bundles that were made for it. */
  readonly bundles: readonly BundleHeader[];
}

/** The models of `bundles` that are not among those that the server has. */
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

/** One sentence for people: which bundles, and what to do. Empty if there are none. */
export function describeRemoved(removed: readonly RemovedModel[]): string {
  return removed
    .map(({ model, modelHash, replaced, bundles }) => {
      const which = bundles.map(({ bundleId }) => bundleId.slice(0, 8));
      const listed = which.length > NAMED ? [...which.slice(0, NAMED), '...'] : which;
      const happened = replaced ? 'has replaced by another version' : 'no longer serves';
      const remedy = replaced ? 'prepare new ones' : "choose another of the server's models";
      return `${bundles.length} prepared bundles (${listed.join(', ')}) belong to the version ${modelHash.slice(0, 12)} of ${model}, which the server ${happened}: they cannot be used; delete them (client.dropRemoved()) and ${remedy}`;
    })
    .join('; ');
}

/** For people: how many bundles are ready for each version that the server still has. Empty if there are none. */
export function describeReady(bundles: readonly BundleHeader[], models: readonly ModelSummary[]): string {
  const ready = Map.groupBy(bundles, ({ modelHash }) => modelHash);
  const counts = models.flatMap((model) => {
    const count = ready.get(model.hash)?.length;
    return count === undefined ? [] : [`${referenceOf(model)} (${count})`];
  });
  return counts.length === 0 ? '' : `bundles are ready for ${counts.join(', ')}`;
}

/** For people: that `count` bundles are set aside, and what to do. Empty if there are none. */
export function describeSetAside(count: number): string {
  if (count === 0) return '';
  return `${count} bundles of this folder are set aside, because another one was used elsewhere: release them if they are used nowhere else (\`sphynx bundles --confirm\`, client.confirmBundles()), or delete them (\`sphynx bundles --drop all\`, client.dropAll())`;
}

/** Bundles that are named one by one. */
const NAMED = 4;
