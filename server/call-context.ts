import type { Logger } from 'pino';
import type { ByteBudget } from './admission/byte-budget.ts';
import type { MemoryLimit } from './admission/memory-limit.ts';
import type { Caller } from './client-identity.ts';
import type { Access } from './identity/access.ts';
import type { ServerLimits } from './limits.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { ModelRegistry } from './models.ts';
import type { BundleStore } from './store/bundle-store.ts';
import type { WorkerPool } from './worker-pool.ts';

/** The parts of the server that its calls use. */
export interface ServerParts {
  readonly access: Access;
  readonly models: ModelRegistry;
  readonly store: BundleStore;
  readonly pool: WorkerPool;
  readonly limits: ServerLimits;
  readonly bytes: ByteBudget;
  readonly memory: MemoryLimit;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** The context of a call, besides its stream. */
export interface CallContext {
  readonly parts: ServerParts;
  readonly caller: Caller;
  /** Names the request in every line. Never give it seeds, labels, shares, masked images or tokens. */
  readonly log: Logger;
  /** Runs a piece of work, which a stopping server allows to finish. Between two pieces it ends the call. */
  readonly piece: <Result>(work: () => Promise<Result>) => Promise<Result>;
}
