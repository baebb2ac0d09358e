import type { Logger } from 'pino';
import { ModelRegistry, type ModelSource, type ServingOptions, warnOfScales } from './models.ts';
import type { WorkerPool } from './worker-pool.ts';

interface ReloadParts {
  readonly models: ModelRegistry;
  readonly pool: WorkerPool;
  readonly logger: Logger;
}

/**
 * Replaces the models of a running server: new ones can be used at once, and bundles of removed ones are refused.
 * Running inferences finish normally. Throws as `ModelRegistry.load`, and then nothing has changed.
 */
export async function reloadModels(
  { models, pool, logger }: ReloadParts,
  sources: readonly ModelSource[],
  options: ServingOptions,
): Promise<void> {
  const wanted = await ModelRegistry.load(sources, options);
  warnOfScales(wanted, logger);
  // The workers come first: a client may use a new model as soon as it is listed.
  pool.serve(wanted.all.map(({ network }) => network));
  logger.info(models.replace(wanted), 'models reloaded');
}
